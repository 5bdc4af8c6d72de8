//! How a tensor lies in a file of torch.save: a piece of a storage, in one of three number types.

/// The number types of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// float32.
    F32,
    /// float16.
    F16,
    /// bfloat16.
    Bf16,
}

/// A tensor of a state dict: a dense piece of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickled {
    /// Its number type.
    pub number: Number,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its strides, in numbers.
    pub strides: Vec<usize>,
    /// The file of its storage.
    pub storage: String,
    /// The numbers of the storage before it.
    pub offset: usize,
}

impl Pickled {
    /// True when its numbers lie in row order, one after another, and their bytes can be counted.
    pub fn is_dense(&self) -> bool {
        let mut stride = Some(1usize);
        let mut dense = self.shape.len() == self.strides.len();
        for (&side, &found) in self.shape.iter().zip(&self.strides).rev() {
            dense &= side <= 1 || Some(found) == stride;
            stride = stride.and_then(|stride| stride.checked_mul(side));
        }
        dense && stride.and_then(|count| count.checked_add(self.offset)?.checked_mul(self.number.size())).is_some()
    }

    /// Its bytes, of a tensor that is dense.
    pub fn bytes(&self) -> u64 {
        (self.shape.iter().product::<usize>() * self.number.size()) as u64
    }
}

impl Number {
    /// The bytes of one.
    pub fn size(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }

    /// Its name in PyTorch.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    /// Adds the numbers of these bytes, as float32.
    pub fn decode(self, bytes: &[u8], values: &mut Vec<f32>) {
        match self {
            Self::F32 => values.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Self::F16 => values.extend(bytes.as_chunks().0.iter().map(|&b| half::f16::from_le_bytes(b).to_f32())),
            Self::Bf16 => values.extend(bytes.as_chunks().0.iter().map(|&b| half::bf16::from_le_bytes(b).to_f32())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_lie_in_row_order_is_told() {
        let dense = |shape: &[usize], strides: &[usize]| {
            let (shape, strides) = (shape.to_vec(), strides.to_vec());
            Pickled { number: Number::F32, shape, strides, storage: "0".to_owned(), offset: 3 }.is_dense()
        };
        assert!(dense(&[2, 3], &[3, 1]) && dense(&[5], &[1]) && dense(&[1, 4], &[99, 1]) && dense(&[], &[]));
        assert!(!dense(&[2, 3], &[1, 2]) && !dense(&[2, 3], &[3]) && !dense(&[2, 3], &[4, 1]));
        assert!(!dense(&[usize::MAX, 3], &[3, 1]), "more bytes than can be counted");
    }

    #[test]
    fn sixteen_bits_become_the_same_numbers() {
        let decoded = |number: Number, bytes: &[u8]| {
            let mut values = Vec::new();
            number.decode(bytes, &mut values);
            values
        };
        assert_eq!(decoded(Number::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(decoded(Number::F16, &[0x00, 0x3e, 0x00, 0xc0]), [1.5, -2.0]);
        assert_eq!(decoded(Number::Bf16, &[0xc0, 0x3f, 0x00, 0xc0]), [1.5, -2.0]);
    }
}
