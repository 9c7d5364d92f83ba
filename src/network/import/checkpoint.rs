//! The tensors of a checkpoint by name, and their numbers as float32.
//!
//! Trainers wrap the same network in many ways. Its state dictionary is the whole pickle, or stands in it under one of
//! [`STATE_DICTS`]; before its names stand those of what holds it, [`HOLDERS`] and [`WRAPPERS`] in any order, as often as they
//! like. What a trainer keeps beside it is passed over: an averaged copy, and all that bears no name of the network's.

use super::archive::Archive;
use super::error::ImportError;
use super::pickle::{Global, Pickle, Value};
use half::{bf16, f16};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where the state dictionary stands, if it is not the whole.
const STATE_DICTS: [&str; 3] = ["state_dict", "model_state_dict", "model"];
/// How many of them may stand in each other.
const MAX_STATE_DICTS: usize = 4;
/// How many entries of another dictionary are looked at, to see what it is.
const LOOKED_AT: usize = 64;
/// What those call the network that hold it.
const HOLDERS: [&str; 2] = ["network", "model"];
/// What stands before the names of a module that runs on many devices, or is compiled: the network, or a part of it.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];
/// How the names of the network's tensors start.
const PARTS: [&str; 3] = ["pixel_embedding", "backbone", "conv"];
/// Most tensors of a checkpoint, and most entries of its dictionaries; that of ERNs101 has about 700.
const MAX_TENSORS: usize = 1 << 14;
/// Most dimensions of a tensor; that of pixel embedding has five.
const MAX_DIMENSIONS: usize = 8;
/// What PyTorch makes a tensor with.
const REBUILD_TENSOR: Global<'_> = Global { module: "torch._utils", name: "_rebuild_tensor_v2" };
/// What it wraps a tensor in that is trained.
const REBUILD_PARAMETER: Global<'_> = Global { module: "torch._utils", name: "_rebuild_parameter" };

/// An open checkpoint.
pub(super) struct Checkpoint {
    archive: Archive,
    /// By their names in the network.
    tensors: BTreeMap<String, Named>,
    /// What stands before those in the checkpoint, by the first of them.
    prefix: String,
    /// What else has a name in it.
    pub(super) beside: Beside,
    /// The storage that was read last: tensors may share one.
    storage: Option<(String, Vec<u8>)>,
}

/// What a checkpoint has under a name.
struct Named {
    /// The whole name.
    name: String,
    /// The state dictionary, by the key that it stands under; empty where it is the whole.
    place: String,
    /// What is wrong with it, where it is no tensor that we can read.
    layout: Result<TensorLayout, String>,
}

/// What a checkpoint has beside the network.
#[derive(Default)]
pub(super) struct Beside {
    /// The names of what no network needs.
    pub(super) foreign: Vec<String>,
    /// Where averaged copies of the network stand: the key of a dictionary, or the start of their names.
    pub(super) averages: BTreeSet<String>,
}

/// What a name stands for.
enum Role {
    /// Something of the network, by its name there.
    Own(String),
    /// Something of an averaged copy, whose names start so.
    Average(String),
    /// Something else.
    Foreign,
}

impl Role {
    fn of(name: &str) -> Self {
        let (mut rest, mut average) = (name, None);
        while let Some((first, behind)) = rest.split_once('.') {
            if is_average(first) {
                average = Some(&name[..name.len() - behind.len()]);
            } else if !HOLDERS.contains(&first) && !WRAPPERS.contains(&first) {
                break;
            }
            rest = behind;
        }
        // A part may be wrapped for itself.
        let parts: Vec<&str> = rest.split('.').filter(|part| !WRAPPERS.contains(part)).collect();
        match (parts.as_slice(), average) {
            ([first, _, ..], Some(start)) if PARTS.contains(first) => Self::Average(start.to_owned()),
            ([first, _, ..], None) if PARTS.contains(first) => Self::Own(parts.join(".")),
            _ => Self::Foreign,
        }
    }
}

/// Whether a key or a part of a name stands before an exponential moving average: `ema`, `model_ema`, `ema_model`, …
fn is_average(word: &str) -> bool {
    word.split('_').any(|part| part.eq_ignore_ascii_case("ema"))
}

/// Where a tensor's elements lie.
#[derive(Clone, Debug, PartialEq)]
struct TensorLayout {
    storage: String,
    dtype: Dtype,
    /// Elements of the storage.
    length: usize,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// The type of a storage's elements.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    fn named(storage: &str) -> Result<Self, String> {
        match storage {
            "HalfStorage" => Ok(Self::F16),
            "BFloat16Storage" => Ok(Self::Bf16),
            "FloatStorage" => Ok(Self::F32),
            "DoubleStorage" => Ok(Self::F64),
            _ => Err(format!("is a {storage}; float16, bfloat16, float32 and float64 can be read")),
        }
    }

    /// Bytes an element.
    fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Element `index` of a storage, as PyTorch rounds it where it loads it into a float32 network.
    fn get(self, bytes: &[u8], index: usize) -> f32 {
        let start = index * self.size();
        let bytes = &bytes[start..start + self.size()];
        match (self, bytes) {
            (Self::F16, &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
            (Self::Bf16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
            (_, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (_, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            _ => f32::NAN,
        }
    }
}

/// A tensor whose storage is at hand.
pub(super) struct CheckpointTensor<'a> {
    layout: TensorLayout,
    bytes: &'a [u8],
}

impl CheckpointTensor<'_> {
    /// The element at `index`, one number a dimension, each within the shape.
    pub(super) fn get(&self, index: &[usize]) -> f32 {
        let steps: usize = index.iter().zip(&self.layout.strides).map(|(i, stride)| i * stride).sum();
        self.layout.dtype.get(self.bytes, self.layout.offset + steps)
    }
}

impl Checkpoint {
    /// Opens a file and reads which tensors it has.
    ///
    /// # Errors
    /// [`ImportError`], where it is no checkpoint, damaged, or wants something done that is none of ours.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let mut archive = Archive::open(path)?;
        let bytes = archive.pickle()?;
        let pickle = Pickle::parse(&bytes).map_err(ImportError::Pickle)?;
        let mut found = Findings::new(&pickle);
        found.look_into(pickle.root(), "", MAX_STATE_DICTS)?;
        let Findings { tensors, beside, .. } = found;
        if tensors.is_empty() {
            if let Some(average) = beside.averages.first() {
                return Err(ImportError::OnlyAverage(average.clone()));
            }
            if beside.foreign.iter().any(|name| STATE_DICTS.contains(&name.as_str())) {
                return Err(ImportError::NoStateDict);
            }
        }
        let mut prefixes = tensors.iter().filter_map(|(short, named)| named.name.strip_suffix(short.as_str()));
        let prefix = prefixes.next().unwrap_or_default().to_owned();
        Ok(Self { archive, tensors, prefix, beside, storage: None })
    }

    /// The names of all tensors, as the network has them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The whole name of the tensor called `name`, whether it is there or not.
    pub(super) fn whole_name(&self, name: &str) -> String {
        let there = self.tensors.get(name).map(|named| named.name.clone());
        there.unwrap_or_else(|| format!("{}{name}", self.prefix))
    }

    /// An error about the tensor called `name`.
    pub(super) fn wrong(&self, name: &str, what: impl Into<String>) -> ImportError {
        ImportError::Tensor { tensor: self.whole_name(name), what: what.into() }
    }

    /// The shape of the tensor called `name`.
    ///
    /// # Errors
    /// [`ImportError::Tensor`], where it is missing or none that we can read.
    pub(super) fn shape(&self, name: &str) -> Result<&[usize], ImportError> {
        Ok(&self.layout(name)?.shape)
    }

    /// Whether both names stand for one and the same storage: an alias, as `Sequential` makes them.
    pub(super) fn shares_storage(&self, one: &str, other: &str) -> bool {
        match [one, other].map(|name| self.tensors.get(name).map(|named| &named.layout)) {
            [Some(Ok(one)), Some(Ok(other))] => one.storage == other.storage && one.offset == other.offset,
            _ => false,
        }
    }

    /// The tensor called `name`, which has to have this shape.
    ///
    /// # Errors
    /// [`ImportError`] names the tensor that is missing, of another shape, or reaches beyond its storage.
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<CheckpointTensor<'_>, ImportError> {
        let layout = self.layout(name)?.clone();
        if layout.shape != shape {
            return Err(self.wrong(name, format!("has shape {:?}, not {shape:?}", layout.shape)));
        }
        if !layout.fits() {
            return Err(self.wrong(name, "reaches beyond its storage: save the checkpoint again"));
        }
        let bytes = self.storage(&layout)?;
        Ok(CheckpointTensor { layout, bytes })
    }

    fn storage(&mut self, layout: &TensorLayout) -> Result<&[u8], ImportError> {
        let size = (layout.length as u64).saturating_mul(layout.dtype.size() as u64);
        let same = |(key, bytes): &(String, Vec<u8>)| *key == layout.storage && bytes.len() as u64 == size;
        let storage = match self.storage.take().filter(same) {
            Some(storage) => storage,
            None => (layout.storage.clone(), self.archive.storage(&layout.storage, size)?),
        };
        Ok(&self.storage.insert(storage).1)
    }

    fn layout(&self, name: &str) -> Result<&TensorLayout, ImportError> {
        match self.tensors.get(name).map(|named| &named.layout) {
            Some(Ok(layout)) => Ok(layout),
            Some(Err(what)) => Err(self.wrong(name, what.clone())),
            None => Err(self.wrong(name, "is missing: this is no checkpoint of a published ERN, or not all of it")),
        }
    }
}

impl TensorLayout {
    /// Whether every element lies in the storage. No dimension is 0, else the shape would be none that is asked for.
    fn fits(&self) -> bool {
        let last = self.shape.iter().zip(&self.strides).try_fold(self.offset, |last, (&edge, &stride)| {
            edge.checked_sub(1)?.checked_mul(stride).and_then(|steps| last.checked_add(steps))
        });
        self.shape.len() == self.strides.len() && last.is_some_and(|last| last < self.length)
    }
}

/// What was found in a pickle so far.
struct Findings<'p, 'a> {
    pickle: &'p Pickle<'a>,
    tensors: BTreeMap<String, Named>,
    beside: Beside,
    /// The dictionaries that were looked into, and all of their entries.
    dicts: Vec<Value>,
    entries: usize,
}

impl<'p, 'a> Findings<'p, 'a> {
    fn new(pickle: &'p Pickle<'a>) -> Self {
        Self { pickle, tensors: BTreeMap::new(), beside: Beside::default(), dicts: Vec::new(), entries: 0 }
    }

    /// Takes in a dictionary that is a state dictionary, or holds some in `depth` layers; `place` is the key that it stands under.
    fn look_into(&mut self, dict: Value, place: &str, depth: usize) -> Result<(), ImportError> {
        if self.dicts.contains(&dict) {
            return Ok(());
        }
        let items = self.pickle.dict(dict).ok_or(ImportError::NoStateDict)?;
        self.dicts.push(dict);
        self.entries += items.len();
        if self.entries > MAX_TENSORS {
            return Err(ImportError::Architecture(format!("{} tensors", self.entries)));
        }
        // Of values with one name the last counts.
        let named: BTreeMap<&str, Value> =
            items.iter().filter_map(|&(key, value)| Some((self.pickle.text(key)?, value))).collect();
        let is_state_dict = named.keys().any(|name| matches!(Role::of(name), Role::Own(_)));
        for (name, value) in named {
            let may_hold = !is_state_dict && depth > 0 && STATE_DICTS.contains(&name);
            if may_hold && self.pickle.dict(value).is_some() {
                self.look_into(value, name, depth - 1)?;
            } else if is_average(name) && self.is_like_a_network(value) {
                self.beside.averages.insert(name.to_owned());
            } else {
                self.take(name, value, place)?;
            }
        }
        Ok(())
    }

    /// Whether a dictionary starts like one that holds a network.
    fn is_like_a_network(&self, dict: Value) -> bool {
        let first = self.pickle.dict(dict).unwrap_or_default().iter().take(LOOKED_AT);
        let mut names = first.filter_map(|&(key, _)| self.pickle.text(key));
        names.any(|name| STATE_DICTS.contains(&name) || !matches!(Role::of(name), Role::Foreign))
    }

    fn take(&mut self, name: &str, value: Value, place: &str) -> Result<(), ImportError> {
        let short = match Role::of(name) {
            Role::Own(short) => short,
            Role::Average(start) => {
                self.beside.averages.insert(start);
                return Ok(());
            }
            Role::Foreign => {
                self.beside.foreign.push(name.to_owned());
                return Ok(());
            }
        };
        let new = Named { name: name.to_owned(), place: place.to_owned(), layout: layout(self.pickle, value) };
        match self.tensors.get(&short) {
            // A module that is held under two names: the same numbers, stored once; or a counter, which no network needs.
            Some(old) if old.layout == new.layout => self.beside.foreign.push(new.name),
            Some(old) => return Err(ImportError::Twice { tensor: short, one: old.whole(), other: new.whole() }),
            None => drop(self.tensors.insert(short, new)),
        }
        Ok(())
    }
}

impl Named {
    /// The name, and where it stands.
    fn whole(&self) -> String {
        if self.place.is_empty() { format!("`{}`", self.name) } else { format!("`{}` in `{}`", self.name, self.place) }
    }
}

/// Reads `_rebuild_tensor_v2(storage, offset, shape, strides, …)`, bare or as a parameter.
fn layout(pickle: &Pickle<'_>, value: Value) -> Result<TensorLayout, String> {
    let tensor = match pickle.call(value) {
        Some((REBUILD_PARAMETER, &[tensor, ..])) => tensor,
        _ => value,
    };
    match pickle.call(tensor) {
        Some((REBUILD_TENSOR, &[storage, offset, shape, strides, ..])) => {
            tensor_layout(pickle, [storage, offset, shape, strides])
        }
        Some((Global { module, name }, _)) => Err(format!("is made by `{module}.{name}`, no tensor that can be read")),
        None => Err("is no tensor".into()),
    }
}

fn tensor_layout(pickle: &Pickle<'_>, [storage, offset, shape, strides]: [Value; 4]) -> Result<TensorLayout, String> {
    let unreadable = || "is described in an unknown way".to_owned();
    let number = |value| match value {
        Value::Int(number) => usize::try_from(number).map_err(|_| unreadable()),
        _ => Err(unreadable()),
    };
    let numbers = |value| -> Result<Vec<usize>, String> {
        let items = pickle.tuple(value).filter(|items| items.len() <= MAX_DIMENSIONS);
        items.ok_or_else(unreadable)?.iter().map(|&item| number(item)).collect()
    };
    let storage = pickle.persistent(storage).and_then(|identification| pickle.tuple(identification));
    // ('storage', type, key, place, length)
    let &[kind, dtype, key, _, length] = storage.ok_or_else(unreadable)? else { return Err(unreadable()) };
    if pickle.text(kind) != Some("storage") {
        return Err(unreadable());
    }
    Ok(TensorLayout {
        storage: pickle.text(key).ok_or_else(unreadable)?.to_owned(),
        dtype: Dtype::named(pickle.global(dtype).ok_or_else(unreadable)?.name)?,
        length: number(length)?,
        offset: number(offset)?,
        shape: numbers(shape)?,
        strides: numbers(strides)?,
    })
}
