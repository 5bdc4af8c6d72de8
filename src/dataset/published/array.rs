//! Arrays in numpy's own format (`.npy`), as far as the published folder has them.
//!
//! Ten bytes of introduction, a line that says what follows, then the values. What bites: the line is filled up so that the values begin at a
//! multiple of 64 bytes. (numpy also leaves room for the first side to grow; at the lengths here that makes no difference.)

use std::io::{self, Read};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Where the values may begin.
const ALIGNMENT: usize = 64;

/// The most bytes of the line that describes an array: numpy writes 118 of them.
const MOST_DESCRIPTION: u64 = 4096;

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `uint8`.
    Bytes,
    /// `int32`, little-endian.
    Numbers,
}

/// The line that describes an array, without what fills it up.
pub(super) fn description(kind: Kind, shape: &[usize]) -> String {
    let kind = match kind {
        Kind::Bytes => "|u1",
        Kind::Numbers => "<i4",
    };
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    let shape = if sides.len() == 1 { format!("({},)", sides[0]) } else { format!("({})", sides.join(", ")) };
    format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}")
}

/// All that stands before the values, as `numpy.save` writes it.
pub(super) fn header(kind: Kind, shape: &[usize]) -> Vec<u8> {
    let text = description(kind, shape);
    let introduction = MAGIC.len() + 4;
    let filled = (introduction + text.len() + 1).next_multiple_of(ALIGNMENT) - introduction;
    let length = u16::try_from(filled).expect("a line of a few sides is short");
    let mut header = [&MAGIC[..], &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat();
    header.resize(introduction + filled - 1, b' ');
    header.push(b'\n');
    header
}

/// The numbers as they are stored.
pub(super) fn number_bytes(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Reads the line that describes an array; the values come next.
///
/// # Errors
/// Those of the reader, and [`io::ErrorKind::InvalidData`] for what is no array.
pub(super) fn read_description(reader: &mut impl Read) -> io::Result<String> {
    let no_array = || io::Error::new(io::ErrorKind::InvalidData, "it is no array in numpy's format");
    read_line(reader)?.ok_or_else(no_array)
}

/// `None` for what is no array.
fn read_line(reader: &mut impl Read) -> io::Result<Option<String>> {
    let mut introduction = Vec::new();
    reader.by_ref().take(8).read_to_end(&mut introduction)?;
    let digits = match introduction.strip_prefix(MAGIC) {
        Some([1, _]) => 2,
        Some([2 | 3, _]) => 4,
        _ => return Ok(None),
    };
    let mut length = [0; 8];
    reader.read_exact(&mut length[..digits])?;
    let mut text = String::new();
    let length = u64::from_le_bytes(length);
    if length > MOST_DESCRIPTION {
        return Ok(None);
    }
    reader.by_ref().take(length).read_to_string(&mut text)?;
    Ok(Some(text.trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.save` of `np.zeros((3131, 900), np.uint8)` and of `np.arange(4, dtype=np.int32)`.
    #[test]
    fn headers_are_those_of_numpy() {
        let found = header(Kind::Bytes, &[3131, 900]);
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (3131, 900), }";
        assert_eq!(found, [b"\x93NUMPY\x01\x00v\x00", format!("{text:117}\n").as_bytes()].concat());
        let found = header(Kind::Numbers, &[4]);
        assert_eq!((found.len(), &found[8..10]), (128, &[118, 0][..]));
        assert!(found[10..].starts_with(b"{'descr': '<i4', 'fortran_order': False, 'shape': (4,), }  "));
    }

    #[test]
    fn what_was_written_is_read() {
        for (kind, shape) in [(Kind::Bytes, &[1, 900][..]), (Kind::Numbers, &[123_456])] {
            let bytes = [header(kind, shape), vec![7]].concat();
            let mut reader = bytes.as_slice();
            assert_eq!(read_description(&mut reader).unwrap(), description(kind, shape));
            assert_eq!(reader, [7]);
        }
        assert!(read_description(&mut &b"PK\x03\x04 something else"[..]).unwrap_err().to_string().contains("numpy"));
        assert!(read_description(&mut &b"\x93NUM"[..]).is_err());
    }
}
