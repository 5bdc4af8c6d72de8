//! The bytes of a pickle, read in order: each kind of operand once, and an error where they end.

const CUT_OFF: &str = "its pickle is cut off";

/// A pickle that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Program<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Program<'a> {
    /// From its first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The bytes that were read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let bytes = self.bytes.get(self.at..self.at.saturating_add(count)).ok_or(CUT_OFF)?;
        self.at += count;
        Ok(bytes)
    }

    /// The next byte.
    ///
    /// # Errors
    /// There is none.
    pub fn byte(&mut self) -> Result<u8, String> {
        Ok(self.bytes(1)?[0])
    }

    /// A number of `count` bytes, at most four, without a sign.
    ///
    /// # Errors
    /// It is cut off.
    pub fn number(&mut self, count: usize) -> Result<u32, String> {
        let mut bytes = [0; 4];
        bytes[..count].copy_from_slice(self.bytes(count)?);
        Ok(u32::from_le_bytes(bytes))
    }

    /// A whole number that says its own length.
    ///
    /// # Errors
    /// It is cut off or has more than 8 bytes.
    pub fn long(&mut self) -> Result<i64, String> {
        let count = usize::from(self.byte()?);
        let digits = self.bytes(count)?;
        let negative = digits.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut bytes = [if negative { 0xff } else { 0 }; 8];
        bytes.get_mut(..count).ok_or("its pickle has a number of more than 8 bytes")?.copy_from_slice(digits);
        Ok(i64::from_le_bytes(bytes))
    }

    /// A text behind its length, which has `count` bytes.
    ///
    /// # Errors
    /// It is cut off or no UTF-8.
    pub fn text(&mut self, count: usize) -> Result<&'a str, String> {
        let length = self.number(count)? as usize;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| "its pickle has a text that is not UTF-8".to_owned())
    }

    /// What stands before the next end of a line.
    ///
    /// # Errors
    /// There is none.
    pub fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or(CUT_OFF)?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_read_in_order() {
        let mut program = Program::new(b"\x02\xff\xff\x00\x03\x00\x00\x00abcposix\nx");
        assert_eq!((program.long(), program.long()), (Ok(-1), Ok(0)));
        assert_eq!((program.text(4), program.line()), (Ok("abc"), Ok("posix".to_owned())));
        assert_eq!((program.at(), program.byte()), (18 - 1, Ok(b'x')));
        assert!(program.byte().is_err() && program.line().is_err() && program.number(2).is_err());
        assert!(Program::new(b"\x09123456789").long().is_err());
    }
}
