//! What the machine of a pickle computes with.

use std::rc::Rc;

use super::tensor::{Number, Pickled};

/// The most sides of a tensor.
const MOST_SIDES: usize = 16;

/// The names that a state dict may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    Tensor,
    /// `torch._utils._rebuild_parameter`.
    Parameter,
    /// `torch.FloatStorage` and its like.
    Storage(Number),
}

/// What the machine computes with. Whatever is large is shared: a program may recall it time and again.
#[derive(Clone, Debug)]
pub enum Value {
    None,
    Flag,
    Whole(i64),
    Text(Rc<str>),
    /// The first number is how deep it is nested.
    Tuple(usize, Rc<[Value]>),
    /// A dictionary, by its place among all.
    Dictionary(usize),
    Global(Global),
    Storage(Number, Rc<str>),
    Tensor(Rc<Pickled>),
}

/// The values as sizes.
///
/// # Errors
/// One that is no size, or more than a tensor has.
pub fn sizes(values: &[Value]) -> Result<Vec<usize>, String> {
    if values.len() > MOST_SIDES {
        return Err(format!("a tensor of it has {} sides; the most is {MOST_SIDES}", values.len()));
    }
    let size = |value: &Value| match value {
        Value::Whole(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    values.iter().map(|value| size(value).ok_or_else(|| "a tensor of it has a size that is none".to_owned())).collect()
}
