//! The pickle program inside a file of torch.save, as far as a state dict needs it.
//!
//! A pickle is a program for a stack machine, and one that may call whatever it names. Here nothing is ever called: the machine knows the
//! few instructions that a dictionary of tensors is made of, and of names only those in [`Global`]. Whatever else stands there is an
//! error that says what and where.

use std::collections::{HashMap, HashSet};

use super::program::Program;
use super::tensor::{Number, Pickled};
use super::value::{Global, Value, sizes};

/// How deep tuples are nested at most; those of a state dict are two deep.
const MOST_DEPTH: usize = 8;

/// The most values on the stack, marks, and dictionaries: each may take one byte of the program, and many of the memory.
const MOST_VALUES: usize = 1 << 17;

/// The most bytes of a name: a program may recall it time and again.
const MOST_NAME: usize = 1024;

#[derive(Default)]
struct Machine<'a> {
    program: Program<'a>,
    stack: Vec<Value>,
    /// The heights of the stack that were marked.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    dictionaries: Vec<Vec<(Value, Value)>>,
}

/// The named tensors of a state dict, in order.
///
/// # Errors
/// What stands in the program that has no place in a state dict.
pub fn state_dict(program: &[u8]) -> Result<Vec<(String, Pickled)>, String> {
    let mut machine = Machine { program: Program::new(program), ..Machine::default() };
    let Value::Dictionary(place) = machine.run()? else {
        return Err("it holds no state dict (a dictionary of named tensors)".to_owned());
    };
    let named = |(name, value)| match (name, value) {
        (Value::Text(name), Value::Tensor(tensor)) => Ok((name.to_string(), Pickled::clone(&tensor))),
        (Value::Text(name), _) => Err(format!("\"{name}\" is no tensor; save the model's state_dict() alone")),
        _ => Err("a name in it is no text".to_owned()),
    };
    let tensors: Vec<(String, Pickled)> =
        machine.dictionaries.swap_remove(place).into_iter().map(named).collect::<Result<_, String>>()?;
    let mut names = HashSet::new();
    match tensors.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => Err(format!("tensor {name} stands in it more than once")),
        None => Ok(tensors),
    }
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            let start = self.program.at();
            if self.stack.len().max(self.marks.len()).max(self.dictionaries.len()) > MOST_VALUES {
                return Err("its pickle holds more values at a time than a state dict has".to_owned());
            }
            let code = self.program.byte()?;
            match code {
                0x80 => self.protocol()?,
                b'(' => self.marks.push(self.stack.len()),
                b'.' => return self.pop(),
                b'N' => self.stack.push(Value::None),
                0x88 | 0x89 => self.stack.push(Value::Flag),
                b'K' => self.whole(1)?,
                b'M' => self.whole(2)?,
                b'J' => self.whole(4)?,
                0x8a => {
                    let number = self.program.long()?;
                    self.stack.push(Value::Whole(number));
                }
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                b'c' => self.global()?,
                b')' => self.tuple(self.stack.len())?,
                0x85..=0x87 => {
                    let first = self.below(usize::from(code - 0x84))?;
                    self.tuple(first)?;
                }
                b't' => {
                    let first = self.mark()?;
                    self.tuple(first)?;
                }
                b'}' => self.dictionary(),
                b's' => {
                    let first = self.below(2)?;
                    self.set_items(first)?;
                }
                b'u' => {
                    let first = self.mark()?;
                    self.set_items(first)?;
                }
                b'q' => self.keep(1)?,
                b'r' => self.keep(4)?,
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'Q' => self.storage()?,
                b'R' => self.build()?,
                // the attributes of a dictionary: versions of modules, which say nothing about tensors
                b'b' => drop(self.pop()?),
                _ => {
                    return Err(format!(
                        "its pickle has the instruction {code:#04x} at byte {start}, which no state dict has"
                    ));
                }
            }
        }
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.program.byte()? {
            2..=5 => Ok(()),
            version => Err(format!("its pickle has the protocol {version}; torch.save writes 2")),
        }
    }

    fn whole(&mut self, count: usize) -> Result<(), String> {
        let number = self.program.number(count)?;
        // four bytes have a sign
        self.stack.push(Value::Whole(if count == 4 { i64::from(number as i32) } else { i64::from(number) }));
        Ok(())
    }

    fn text(&mut self, count: usize) -> Result<(), String> {
        let text = self.program.text(count)?;
        if text.len() > MOST_NAME {
            return Err(format!("its pickle has a text of {} bytes; a name has at most {MOST_NAME}", text.len()));
        }
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn global(&mut self) -> Result<(), String> {
        let (module, name) = (self.program.line()?, self.program.line()?);
        if module.len() + name.len() > MOST_NAME {
            return Err("its pickle asks for something with an endless name; nothing was run".to_owned());
        }
        let global = match (module.as_str(), name.as_str()) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::Tensor,
            ("torch._utils", "_rebuild_parameter") => Global::Parameter,
            ("torch", "FloatStorage") => Global::Storage(Number::F32),
            ("torch", "HalfStorage") => Global::Storage(Number::F16),
            ("torch", "BFloat16Storage") => Global::Storage(Number::Bf16),
            _ => {
                return Err(format!(
                    "its pickle asks for {module}.{name}, which a state dict of float32, float16 or bfloat16 tensors never does; \
                     nothing was run"
                ));
            }
        };
        self.stack.push(Value::Global(global));
        Ok(())
    }

    fn pop(&mut self) -> Result<Value, String> {
        // what lies under a mark belongs to the one that set it
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("its pickle takes more than there is".to_owned());
        }
        Ok(self.stack.pop().expect("the stack is higher than its floor"))
    }

    /// The height `count` values below the top.
    fn below(&self, count: usize) -> Result<usize, String> {
        self.stack.len().checked_sub(count).ok_or_else(|| "its pickle takes more than there is".to_owned())
    }

    fn mark(&mut self) -> Result<usize, String> {
        let mark = self.marks.pop().ok_or("its pickle has no mark where one is needed")?;
        if mark > self.stack.len() { Err("its pickle takes more than there is".to_owned()) } else { Ok(mark) }
    }

    fn tuple(&mut self, first: usize) -> Result<(), String> {
        let values = self.stack.split_off(first);
        let depth = |value: &Value| if let Value::Tuple(depth, _) = value { *depth } else { 0 };
        match 1 + values.iter().map(depth).max().unwrap_or(0) {
            depth if depth > MOST_DEPTH => Err(format!("its pickle nests tuples more than {MOST_DEPTH} deep")),
            depth => {
                self.stack.push(Value::Tuple(depth, values.into()));
                Ok(())
            }
        }
    }

    fn dictionary(&mut self) {
        self.stack.push(Value::Dictionary(self.dictionaries.len()));
        self.dictionaries.push(Vec::new());
    }

    fn set_items(&mut self, first: usize) -> Result<(), String> {
        let mut items = self.stack.split_off(first).into_iter();
        let Some(Value::Dictionary(place)) = self.stack.last() else {
            return Err("its pickle puts items into what is no dictionary".to_owned());
        };
        while let Some(name) = items.next() {
            let value = items.next().ok_or("its pickle has a name without a value")?;
            self.dictionaries[*place].push((name, value));
        }
        Ok(())
    }

    fn keep(&mut self, count: usize) -> Result<(), String> {
        let place = self.program.number(count)?;
        let value = self.stack.last().ok_or("its pickle keeps what is not there")?.clone();
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&mut self, count: usize) -> Result<(), String> {
        let place = self.program.number(count)?;
        let value = self.memo.get(&place).ok_or("its pickle recalls what was never kept")?.clone();
        self.stack.push(value);
        Ok(())
    }

    /// `('storage', type, file, device, count)`.
    fn storage(&mut self) -> Result<(), String> {
        let Value::Tuple(_, parts) = self.pop()? else { return Err("a storage of it is not described".to_owned()) };
        match &parts[..] {
            [Value::Text(what), Value::Global(Global::Storage(number)), Value::Text(file), Value::Text(_), _]
                if **what == *"storage" =>
            {
                self.stack.push(Value::Storage(*number, file.clone()));
                Ok(())
            }
            _ => Err("a storage of it is not described as torch.save does".to_owned()),
        }
    }

    fn build(&mut self) -> Result<(), String> {
        let Value::Tuple(_, arguments) = self.pop()? else {
            return Err("its pickle calls something without arguments".to_owned());
        };
        match (self.pop()?, &arguments[..]) {
            (Value::Global(Global::OrderedDict), []) => self.dictionary(),
            (Value::Global(Global::Parameter), [Value::Tensor(tensor), ..]) => {
                self.stack.push(Value::Tensor(tensor.clone()));
            }
            (
                Value::Global(Global::Tensor),
                [
                    Value::Storage(number, storage),
                    Value::Whole(offset),
                    Value::Tuple(_, shape),
                    Value::Tuple(_, strides),
                    ..,
                ],
            ) => {
                let (shape, strides) = (sizes(shape)?, sizes(strides)?);
                let offset = usize::try_from(*offset).map_err(|_| "a tensor of it begins before its storage")?;
                let tensor = Pickled { number: *number, shape, strides, storage: storage.to_string(), offset };
                self.stack.push(Value::Tensor(tensor.into()));
            }
            _ => return Err("its pickle makes something with arguments that torch.save never writes".to_owned()),
        }
        Ok(())
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    /// `OrderedDict([("a", a 2 x 3 tensor of float32)])` as torch.save writes it.
    fn program() -> Vec<u8> {
        let mut program = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x01\x00\x00\x00aq\x02".to_vec();
        program.extend(
            b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04ctorch\nFloatStorage\nq\x05",
        );
        program.extend(
            b"X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x06tq\x08QK\x00K\x02K\x03\x86q\x09K\x03K\x01\x86",
        );
        program.extend(b"\x89h\x00)Rtq\x0aRu}q\x0bX\x09\x00\x00\x00_metadata}sb.");
        program
    }

    #[test]
    fn a_state_dict_is_read() {
        let tensor =
            Pickled { number: Number::F32, shape: vec![2, 3], strides: vec![3, 1], storage: "0".to_owned(), offset: 0 };
        assert_eq!(state_dict(&program()).unwrap(), [("a".to_owned(), tensor)]);
    }

    #[test]
    fn what_no_state_dict_has_is_named_and_not_run() {
        let fault = |program: &[u8]| state_dict(program).unwrap_err();
        let foreign = fault(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.");
        assert!(foreign.contains("posix.system") && foreign.contains("nothing was run"), "{foreign}");
        assert!(fault(b"\x80\x02i__main__\nx\n.").contains("instruction 0x69 at byte 2"));
        assert!(fault(b"\x80\x02N.").contains("no state dict"));
        assert!(fault(b"\x80\x02}X\x01\x00\x00\x00aK\x01s.").contains("\"a\" is no tensor"));
        assert!(fault(b"\x80\x02h\x07.").contains("never kept"));
        assert!(fault(b"\x80\x02R.").contains("more than there is"));
        assert!(fault(b"\x80\x02(K\x01.\x85").contains("no state dict"));
        assert!(fault(b"\x80\x07.").contains("protocol 7"));
        // a tuple of two of a tuple of two, and so on: 2^30 values if they were copied
        let mut bomb = b"\x80\x02)q\x00".to_vec();
        (0..30).for_each(|_| bomb.extend(b"h\x00h\x00\x86q\x00"));
        assert!(fault(&bomb).contains("8 deep"));
        assert!(fault(&[&b"\x80\x02"[..], &[b'N'; MOST_VALUES + 2]].concat()).contains("more values at a time"));
        assert!(fault(&[&b"\x80\x02"[..], &b"}b".repeat(MOST_VALUES + 2)].concat()).contains("more values at a time"));
        assert!(fault(&[&b"\x80\x02X\xff\xff\x00\x00"[..], &[b'a'; 0xffff]].concat()).contains("65535 bytes"));
    }

    #[test]
    fn a_program_that_is_cut_off_anywhere_is_an_error() {
        let program = program();
        for end in 0..program.len() {
            assert!(state_dict(&program[..end]).is_err(), "cut at {end}");
        }
    }
}
