//! A reader of pickles that can only look: a stack machine over the opcodes of protocols 0 to 5 (Python's `pickletools`
//! describes them) that builds a tree of plain values.
//!
//! A pickle is a program: unpickled by Python, it may call any function of any module. Here nothing is ever called. A
//! global is a name, and a call is a note of what would have been called with what. Names of the few packages that
//! checkpoints are made of are tolerated, any other refuses the file. What no tensor needs becomes [`Value::Opaque`].
//!
//! Nodes lie in one list and refer to each other by number, so that neither depth nor cycles cost any stack.

use std::collections::HashMap;
use thiserror::Error;

/// Most values a pickle may make. A checkpoint of ERNs101 with its optimizer's state makes about 50 000.
const MAX_VALUES: usize = 1 << 21;
/// Longest text that is kept, in bytes: no tensor, module or storage has a longer name.
const MAX_NAME: usize = 512;
/// The newest protocol.
const PROTOCOL: u8 = 5;

/// Packages whose globals stand in checkpoints, callable or not.
const PACKAGES: [&str; 9] = [
    "torch",
    "collections",
    "numpy",
    "omegaconf",
    "argparse",
    "pathlib",
    "lightning",
    "lightning_fabric",
    "pytorch_lightning",
];
/// Of Python itself: plain types, under the names of Python 2 and 3.
const PLAIN_TYPES: [&str; 16] = [
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "str",
    "tuple",
    "unicode",
];
/// Names of `typing` that describe a configuration's fields.
const TYPING: [&str; 7] = ["Any", "Dict", "List", "Optional", "Set", "Tuple", "Union"];

/// Why a pickle was not read.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PickleError {
    /// It wants something of Python that no checkpoint needs. It was not called.
    #[error("refers to `{0}`, which no tensor needs: do not trust the file, or save the network's state_dict() alone")]
    Global(String),
    /// It ends within an instruction, or without its last one.
    #[error("breaks off: copy the file again")]
    Truncated,
    /// It is no pickle, or one of things that no checkpoint has.
    #[error("has the unknown instruction {opcode:#04x} at byte {at}: save the checkpoint again")]
    Opcode {
        /// The instruction.
        opcode: u8,
        /// Where it stands.
        at: usize,
    },
    /// Its instructions do not fit together.
    #[error("{what} at byte {at}: save the checkpoint again")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// Too much in it.
    #[error("makes more than {MAX_VALUES} values: save the checkpoint without the state of its trainer")]
    TooLarge,
}

/// A value; cheap to copy, a reference in the sense of Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Something that no tensor needs.
    Opaque,
    /// A whole number of up to 64 bits.
    Int(i64),
    /// A number in [`Pickle`]'s list of nodes.
    Node(usize),
}

/// A name, as it stands behind `import`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Global<'a> {
    /// The module.
    pub(super) module: &'a str,
    /// What it is called there.
    pub(super) name: &'a str,
}

#[derive(Debug)]
enum Node<'a> {
    Text(&'a str),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Global(Global<'a>),
    /// What would have been called, and the tuple of its arguments.
    Call(Global<'a>, Value),
    /// What stands outside the pickle, by its identification.
    Persistent(Value),
}

/// A pickle, read.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Value,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle that `bytes` start with.
    ///
    /// # Errors
    /// [`PickleError`] says what is wrong with it.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, PickleError> {
        let mut machine = Machine::new(bytes);
        let root = machine.run()?;
        Ok(Self { nodes: machine.nodes, root })
    }

    /// What was pickled.
    pub(super) fn root(&self) -> Value {
        self.root
    }

    /// The text, where the value is one.
    pub(super) fn text(&self, value: Value) -> Option<&'a str> {
        match self.node(value)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where the value is a tuple.
    pub(super) fn tuple(&self, value: Value) -> Option<&[Value]> {
        match self.node(value)? {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Keys and values in the order in which they were set, where the value is a dictionary; the last of equal keys
    /// counts.
    pub(super) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match self.node(value)? {
            Node::Dict(items) => Some(items),
            _ => None,
        }
    }

    /// The name, where the value is a global.
    pub(super) fn global(&self, value: Value) -> Option<Global<'a>> {
        match self.node(value)? {
            Node::Global(global) => Some(*global),
            _ => None,
        }
    }

    /// The function and its arguments, where the value would be made by a call.
    pub(super) fn call(&self, value: Value) -> Option<(Global<'a>, &[Value])> {
        match self.node(value)? {
            Node::Call(function, arguments) => Some((*function, self.tuple(*arguments)?)),
            _ => None,
        }
    }

    /// The identification, where the value stands outside the pickle.
    pub(super) fn persistent(&self, value: Value) -> Option<Value> {
        match self.node(value)? {
            Node::Persistent(identification) => Some(*identification),
            _ => None,
        }
    }

    fn node(&self, value: Value) -> Option<&Node<'a>> {
        match value {
            Value::Node(index) => self.nodes.get(index),
            Value::Opaque | Value::Int(_) => None,
        }
    }
}

/// The stack machine.
struct Machine<'a> {
    bytes: &'a [u8],
    /// How many bytes were read.
    at: usize,
    nodes: Vec<Node<'a>>,
    stack: Vec<Value>,
    /// The heights of the stack at the marks in it.
    marks: Vec<usize>,
    memo: HashMap<usize, Value>,
    /// How many values and marks were pushed.
    pushed: usize,
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (nodes, stack, marks, memo) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
        Self { bytes, at: 0, nodes, stack, marks, memo, pushed: 0 }
    }

    fn run(&mut self) -> Result<Value, PickleError> {
        loop {
            let opcode = self.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b'\x80' => self.protocol(),
            b'\x95' => self.take(8).map(drop),
            b'(' => self.mark(),
            b'0' => self.discard(),
            b'1' => self.pop_mark().map(drop),
            b'2' => self.duplicate(),
            b'p' | b'q' | b'r' | b'\x94' => self.remember(opcode),
            b'g' | b'h' | b'j' => self.recall(opcode),
            b'N' | b'\x88' | b'\x89' | b'G' | b'F' | b'B' | b'C' | b'\x8e' | b'\x96' => self.plain(opcode),
            b'I' | b'J' | b'K' | b'L' | b'M' | b'\x8a' | b'\x8b' => self.number(opcode),
            b'S' | b'T' | b'U' | b'V' | b'X' | b'\x8c' | b'\x8d' => self.text(opcode),
            b')' | b't' | b'\x85' | b'\x86' | b'\x87' => self.tuple(opcode),
            b'}' | b'd' | b's' | b'u' => self.dict(opcode),
            b']' | b'l' | b'a' | b'e' | b'\x8f' | b'\x90' | b'\x91' => self.list_or_set(opcode),
            b'c' | b'\x93' => self.global(opcode),
            b'R' | b'b' | b'i' | b'o' | b'\x81' | b'\x92' => self.object(opcode),
            b'P' | b'Q' => self.persistent(opcode),
            _ => Err(PickleError::Opcode { opcode, at: self.at - 1 }),
        }
    }

    fn protocol(&mut self) -> Result<(), PickleError> {
        if self.byte()? > PROTOCOL { Err(self.malformed("its protocol is newer than 5")) } else { Ok(()) }
    }

    /// None, truth values, fractions, bytes: no tensor needs them.
    fn plain(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b'G' => drop(self.take(8)?),
            b'F' => drop(self.line()?),
            b'C' => drop(self.counted(1)?),
            b'B' => drop(self.counted(4)?),
            b'\x8e' | b'\x96' => drop(self.counted(8)?),
            _ => {}
        }
        self.push(Value::Opaque)
    }

    fn number(&mut self, opcode: u8) -> Result<(), PickleError> {
        let value = match opcode {
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'K' => Value::Int(i64::from(self.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'\x8a' => long(self.counted(1)?),
            b'\x8b' => long(self.counted(4)?),
            _ => self.line()?.trim_end_matches('L').parse().map_or(Value::Opaque, Value::Int),
        };
        self.push(value)
    }

    fn text(&mut self, opcode: u8) -> Result<(), PickleError> {
        let bytes = match opcode {
            b'U' | b'\x8c' => self.counted(1)?,
            b'T' | b'X' => self.counted(4)?,
            b'\x8d' => self.counted(8)?,
            _ => self.line()?.trim_matches(['\'', '"']).as_bytes(),
        };
        // Python's strings may hold halves of surrogate pairs, and those of protocol 1 any bytes: no name has such.
        match str::from_utf8(bytes) {
            Ok(text) if text.len() <= MAX_NAME => self.push_node(Node::Text(text)),
            _ => self.push(Value::Opaque),
        }
    }

    fn tuple(&mut self, opcode: u8) -> Result<(), PickleError> {
        let items = match opcode {
            b')' => Vec::new(),
            b't' => self.pop_mark()?,
            _ => self.pop_many(usize::from(opcode - b'\x84'))?,
        };
        self.push_node(Node::Tuple(items))
    }

    fn dict(&mut self, opcode: u8) -> Result<(), PickleError> {
        let items = match opcode {
            b'}' => Vec::new(),
            b's' => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        if items.len() % 2 == 1 {
            return Err(self.malformed("a key without a value"));
        }
        let pairs = items.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        if matches!(opcode, b'}' | b'd') {
            return self.push_node(Node::Dict(pairs.collect()));
        }
        let object = self.top()?;
        if let Value::Node(index) = object
            && let Some(Node::Dict(dict)) = self.nodes.get_mut(index)
        {
            dict.extend(pairs);
        }
        Ok(())
    }

    fn list_or_set(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b']' | b'\x8f' => self.push(Value::Opaque),
            b'a' => self.pop().map(drop).and_then(|()| self.top().map(drop)),
            b'e' | b'\x90' => self.pop_mark().map(drop).and_then(|()| self.top().map(drop)),
            _ => self.pop_mark().map(drop).and_then(|()| self.push(Value::Opaque)),
        }
    }

    fn global(&mut self, opcode: u8) -> Result<(), PickleError> {
        let global = if opcode == b'c' {
            self.global_lines()?
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            self.tolerated(self.text_of(module)?, self.text_of(name)?)?
        };
        self.push_node(Node::Global(global))
    }

    fn global_lines(&mut self) -> Result<Global<'a>, PickleError> {
        let (module, name) = (self.line()?, self.line()?);
        self.tolerated(module, name)
    }

    fn tolerated(&self, module: &'a str, name: &'a str) -> Result<Global<'a>, PickleError> {
        if module.len() > MAX_NAME || name.len() > MAX_NAME {
            return Err(self.malformed("a name that is too long"));
        }
        let package = module.split('.').next().unwrap_or(module);
        let known = match module {
            "builtins" | "__builtin__" => PLAIN_TYPES.contains(&name),
            "typing" => TYPING.contains(&name),
            "_codecs" => name == "encode",
            // A dotted name reaches through its module to others: `torch`, `os.system`.
            _ => PACKAGES.contains(&package) && !name.contains('.'),
        };
        // The name comes from outside, and goes into messages.
        let shown = || format!("{}.{}", module.escape_debug(), name.escape_debug());
        if known { Ok(Global { module, name }) } else { Err(PickleError::Global(shown())) }
    }

    /// Calls and objects, noted or forgotten.
    fn object(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b'R' => self.call(),
            // State for an object: nothing that we keep has any.
            b'b' => self.pop().map(drop).and_then(|()| self.top().map(drop)),
            b'\x81' | b'\x92' => {
                self.pop_many(usize::from(opcode == b'\x92') + 1)?;
                let class = self.pop()?;
                self.global_of(class)?;
                self.push(Value::Opaque)
            }
            b'i' => {
                self.global_lines()?;
                self.pop_mark()?;
                self.push(Value::Opaque)
            }
            _ => {
                let class = self.pop_mark()?.first().copied().unwrap_or(Value::Opaque);
                self.global_of(class)?;
                self.push(Value::Opaque)
            }
        }
    }

    fn call(&mut self) -> Result<(), PickleError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let function = self.global_of(function)?;
        let is_empty = match self.node(arguments) {
            Some(Node::Tuple(items)) => items.is_empty(),
            _ => return Err(self.malformed("a call without arguments")),
        };
        let is_dict = is_empty && function == Global { module: "collections", name: "OrderedDict" };
        self.push_node(if is_dict { Node::Dict(Vec::new()) } else { Node::Call(function, arguments) })
    }

    fn persistent(&mut self, opcode: u8) -> Result<(), PickleError> {
        if opcode == b'P' {
            self.line()?;
            return self.push(Value::Opaque);
        }
        let identification = self.pop()?;
        self.push_node(Node::Persistent(identification))
    }

    fn remember(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = if opcode == b'\x94' { self.memo.len() } else { self.memo_index(opcode)? };
        let value = self.top()?;
        self.memo.insert(index, value);
        if self.memo.len() > MAX_VALUES { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    fn recall(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = self.memo_index(opcode)?;
        match self.memo.get(&index) {
            Some(&value) => self.push(value),
            None => Err(self.malformed("a value that was never remembered")),
        }
    }

    fn memo_index(&mut self, opcode: u8) -> Result<usize, PickleError> {
        Ok(match opcode {
            b'h' | b'q' => usize::from(self.byte()?),
            b'j' | b'r' => u32::from_le_bytes(self.array()?) as usize,
            _ => self.line()?.parse().map_err(|_| self.malformed("a number that is none"))?,
        })
    }

    fn mark(&mut self) -> Result<(), PickleError> {
        self.count()?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn discard(&mut self) -> Result<(), PickleError> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn duplicate(&mut self) -> Result<(), PickleError> {
        let value = self.top()?;
        self.push(value)
    }

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        self.count()?;
        self.stack.push(value);
        Ok(())
    }

    fn push_node(&mut self, node: Node<'a>) -> Result<(), PickleError> {
        self.nodes.push(node);
        self.push(Value::Node(self.nodes.len() - 1))
    }

    fn count(&mut self) -> Result<(), PickleError> {
        self.pushed += 1;
        if self.pushed > MAX_VALUES { Err(PickleError::TooLarge) } else { Ok(()) }
    }

    /// The lowest height down to which values may be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value, PickleError> {
        let value = if self.stack.len() > self.floor() { self.stack.last() } else { None };
        value.copied().ok_or_else(|| self.malformed("a value is missing"))
    }

    fn pop(&mut self) -> Result<Value, PickleError> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, PickleError> {
        if self.stack.len() < self.floor() + count {
            return Err(self.malformed("a value is missing"));
        }
        Ok(self.stack.drain(self.stack.len() - count..).collect())
    }

    fn pop_mark(&mut self) -> Result<Vec<Value>, PickleError> {
        let height = self.marks.pop().ok_or_else(|| self.malformed("a mark is missing"))?;
        Ok(self.stack.drain(height..).collect())
    }

    fn node(&self, value: Value) -> Option<&Node<'a>> {
        match value {
            Value::Node(index) => self.nodes.get(index),
            Value::Opaque | Value::Int(_) => None,
        }
    }

    fn text_of(&self, value: Value) -> Result<&'a str, PickleError> {
        match self.node(value) {
            Some(Node::Text(text)) => Ok(text),
            _ => Err(self.malformed("a name that is no text")),
        }
    }

    fn global_of(&self, value: Value) -> Result<Global<'a>, PickleError> {
        match self.node(value) {
            Some(Node::Global(global)) => Ok(*global),
            _ => Err(self.malformed("a call of something without a name")),
        }
    }

    fn malformed(&self, what: &'static str) -> PickleError {
        PickleError::Malformed { what, at: self.at.saturating_sub(1) }
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let (array, _) = self.bytes[self.at..].split_first_chunk().ok_or(PickleError::Truncated)?;
        self.at += N;
        Ok(*array)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PickleError> {
        let bytes = self.bytes[self.at..].get(..count).ok_or(PickleError::Truncated)?;
        self.at += count;
        Ok(bytes)
    }

    /// As many bytes as the number of `width` bytes before them says.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], PickleError> {
        let mut count = [0; 8];
        count[..width].copy_from_slice(self.take(width)?);
        let count = usize::try_from(u64::from_le_bytes(count)).map_err(|_| PickleError::Truncated)?;
        self.take(count)
    }

    /// The text up to the end of the line.
    fn line(&mut self) -> Result<&'a str, PickleError> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(PickleError::Truncated)?;
        let line = str::from_utf8(&rest[..length]).map_err(|_| self.malformed("a line that is no text"))?;
        self.at += length + 1;
        Ok(line.trim_end_matches('\r'))
    }
}

/// A whole number in two's complement, least byte first.
fn long(bytes: &[u8]) -> Value {
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut extended = [if negative { 0xff } else { 0 }; 8];
    match extended.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(extended))
        }
        None => Value::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Pickle<'_> {
        Pickle::parse(bytes).unwrap_or_else(|error| panic!("{error}"))
    }

    fn refused(bytes: &[u8]) -> PickleError {
        Pickle::parse(bytes).expect_err("is refused")
    }

    fn forbidden(name: &str) -> PickleError {
        PickleError::Global(name.into())
    }

    #[test]
    fn plain_values_are_read() {
        // {'a': (1, -2, 70000), 'b': 10**30, 'c': [None, True, 2.5]}, pickled with protocols 2 and 4.
        let two = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01J\xfe\xff\xff\xffJp\x11\x01\x00\x87q\x02X\x01\x00\x00\x00bq\x03\
            \x8a\x0d\x00\x00\x00\x40\xea\xed\x74\x46\xd0\x9c\x2c\x9f\x0cX\x01\x00\x00\x00cq\x04]q\x05(N\x88\
            G@\x04\x00\x00\x00\x00\x00\x00eu.";
        let four = b"\x80\x04\x95\x3b\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01J\xfe\xff\xff\xffJp\x11\x01\x00\x87\x94\
            \x8c\x01b\x94\x8a\x0d\x00\x00\x00\x40\xea\xed\x74\x46\xd0\x9c\x2c\x9f\x0c\x8c\x01c\x94]\x94(N\x88\
            G@\x04\x00\x00\x00\x00\x00\x00eu.";
        for bytes in [&two[..], four] {
            let pickle = parse(bytes);
            let items = pickle.dict(pickle.root()).expect("a dictionary");
            let keys: Vec<_> = items.iter().filter_map(|&(key, _)| pickle.text(key)).collect();
            assert_eq!(keys, ["a", "b", "c"]);
            let numbers = [1, -2, 70000].map(Value::Int);
            assert_eq!(pickle.tuple(items[0].1), Some(&numbers[..]));
            assert_eq!((items[1].1, items[2].1), (Value::Opaque, Value::Opaque));
        }
    }

    #[test]
    fn a_call_is_noted_and_its_storage_kept() {
        let bytes =
            b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x007\
            X\x03\x00\x00\x00cpuK\x05tQK\x00K\x05\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR.";
        let pickle = parse(bytes);
        let (function, arguments) = pickle.call(pickle.root()).expect("a call");
        assert_eq!(function, Global { module: "torch._utils", name: "_rebuild_tensor_v2" });
        let storage = pickle.persistent(arguments[0]).and_then(|id| pickle.tuple(id)).expect("a storage");
        assert_eq!(pickle.text(storage[2]), Some("7"));
        assert_eq!(pickle.global(storage[1]), Some(Global { module: "torch", name: "FloatStorage" }));
        assert_eq!(pickle.tuple(arguments[2]), Some(&[Value::Int(5)][..]));
        assert!(pickle.dict(arguments[5]).is_some_and(<[_]>::is_empty));
    }

    #[test]
    fn numbers_of_every_width() {
        let bytes = b"(K\xffM\xff\xffJ\x00\x00\x00\x80\x8a\x00\x8a\x01\xff\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00\
            \x8b\x08\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7fI-12\nL34L\nI01\nt.";
        let pickle = parse(bytes);
        let (int, big) = (Value::Int, Value::Opaque);
        let expected =
            [int(255), int(65535), int(-(1 << 31)), int(0), int(-1), big, int(i64::MAX), int(-12), int(34), int(1)];
        assert_eq!(pickle.tuple(pickle.root()), Some(&expected[..]));
    }

    #[test]
    fn a_dictionary_is_the_same_wherever_it_is_recalled() {
        // d = {}; (d, d) with d['k'] = 5 set through the memo.
        let pickle = parse(b"}q\x00h\x00\x86q\x010h\x00X\x01\x00\x00\x00kK\x05s0h\x01.");
        let items = pickle.tuple(pickle.root()).expect("a tuple").to_vec();
        assert_eq!(items[0], items[1]);
        assert_eq!(pickle.dict(items[1]).expect("a dictionary").len(), 1);
    }

    #[test]
    fn objects_of_a_trainer_are_opaque() {
        let objects: [&[u8]; 6] = [
            b"cargparse\nNamespace\n)\x81}X\x01\x00\x00\x00aK\x01sb.",
            b"ccollections\ndefaultdict\nc__builtin__\ndict\n\x85RX\x01\x00\x00\x00aK\x01s.",
            b"cpathlib\nPurePosixPath\n)}\x92.",
            b"(comegaconf.nodes\nAnyNode\nK\x01o.",
            b"(K\x01inumpy\ndtype\n.",
            b"\x8f(K\x01\x90.",
        ];
        for bytes in objects {
            let pickle = parse(bytes);
            assert!(pickle.dict(pickle.root()).is_none() && pickle.tuple(pickle.root()).is_none());
        }
    }

    #[test]
    fn other_globals_refuse_the_file_by_name() {
        assert_eq!(refused(b"cos\nsystem\n(S'true'\ntR."), forbidden("os.system"));
        assert_eq!(refused(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R."), forbidden("posix.system"));
        assert_eq!(refused(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93."), forbidden("os.system"));
        assert_eq!(refused(b"(S'true'\nios\nsystem\n."), forbidden("os.system"));
        assert_eq!(refused(b"cos\x00\x1b\nsystem\n."), forbidden("os\\0\\u{1b}.system"));
        assert_eq!(refused(b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93."), forbidden("torch.os.system"));
        for name in ["eval", "exec", "getattr", "__import__", "open", "compile", "print", "type"] {
            for module in ["builtins", "__builtin__"] {
                let bytes = format!("c{module}\n{name}\n.");
                assert_eq!(refused(bytes.as_bytes()), forbidden(&format!("{module}.{name}")));
            }
        }
        for name in
            ["subprocess.Popen", "torchvision.models", "collectionsx.y", "typing.get_type_hints", "_codecs.lookup"]
        {
            let (module, function) = name.split_once('.').expect("dotted");
            assert_eq!(refused(format!("c{module}\n{function}\n.").as_bytes()), forbidden(name));
        }
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        let good = b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01\x8b\x02\x00\x00\x00\x01\x02C\x02abu.";
        for length in 0..good.len() {
            assert!(Pickle::parse(&good[..length]).is_err(), "{length}");
        }
        assert_eq!(refused(b"X\xff\xff\xff\xffabc"), PickleError::Truncated);
        assert_eq!(refused(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc"), PickleError::Truncated);
        assert_eq!(refused(b"\x96\x00\x00\x00\x00\x00\x00\x00\x80abc"), PickleError::Truncated);
    }

    #[test]
    fn instructions_that_do_not_fit_are_errors() {
        let malformed: [&[u8]; 16] = [
            b".",
            b"0",
            b"1",
            b"t",
            b"2",
            b"h\x05",
            b"K\x01R",
            b")K\x01\x86R.",
            b"K\x01K\x01\x81",
            b"u",
            b"(K\x01t\x87",
            b"}(K\x01u.",
            b"K\x01K\x02\x93",
            b"gx\n",
            b"\x80\x06.",
            b"(.",
        ];
        for bytes in malformed {
            assert!(matches!(refused(bytes), PickleError::Malformed { .. }), "{bytes:?}: {:?}", refused(bytes));
        }
        // Extension codes, buffers from outside, no opcode at all.
        for opcode in [0x82, 0x83, 0x84, 0x97, 0x98, 0xff, b'\n'] {
            assert_eq!(refused(&[opcode, 1, 2, 3, 4]), PickleError::Opcode { opcode, at: 0 });
        }
    }

    #[test]
    fn depth_costs_nothing_and_size_is_limited() {
        // Tuples in tuples, and a dictionary that holds itself.
        let mut deep = b")".to_vec();
        deep.resize(1_000_000, b'\x85');
        deep.push(b'.');
        drop(parse(&deep));
        let pickle = parse(b"}q\x00X\x01\x00\x00\x00ah\x00s.");
        assert_eq!(pickle.dict(pickle.root()).expect("a dictionary")[0].1, pickle.root());

        for endless in [b"(".as_slice(), b"N", b"}", b"K\x01q\x00", b"N2"] {
            let bytes: Vec<u8> = endless.iter().copied().cycle().take(2 * MAX_VALUES * endless.len()).collect();
            assert_eq!(refused(&bytes), PickleError::TooLarge, "{endless:?}");
        }
    }

    #[test]
    fn flipped_bytes_never_panic() {
        let good = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03\
            ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x05tq\x07QK\x00K\x05\x85q\x08K\x01\x85q\
            \x09\x89ccollections\nOrderedDict\n)Rtq\x0aRX\x01\x00\x00\x00b]q\x0b(K\x01N\x88ecargparse\nNamespace\n)\x81}b0u.";
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut bytes = good.to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = (state >> 24) as u8;
            }
            let _ = Pickle::parse(&bytes);
        }
    }
}
