//! The tensors of a checkpoint by name, and their numbers as float32.

use super::ImportError;
use super::archive::Archive;
use super::pickle::{Global, Pickle, Value};
use half::{bf16, f16};
use std::collections::BTreeMap;
use std::path::Path;

/// What stands before the names of a network's tensors in a checkpoint of PyTorch Lightning.
const PREFIX: &str = "network.";
/// Most tensors of a checkpoint; that of ERNs101 has about 700.
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
    /// [`PREFIX`], or nothing in a bare state dictionary.
    prefix: &'static str,
    /// By name, without the prefix; what is wrong with it, where it is no tensor that we can read.
    tensors: BTreeMap<String, Result<Layout, String>>,
    /// The storage that was read last: tensors may share one.
    storage: Option<(String, Vec<u8>)>,
}

/// Where a tensor's elements lie.
#[derive(Clone, Debug)]
struct Layout {
    storage: String,
    dtype: Dtype,
    /// Elements of the storage.
    length: usize,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// The type of a storage's elements.
#[derive(Clone, Copy, Debug)]
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
pub(super) struct Tensor<'a> {
    layout: Layout,
    bytes: &'a [u8],
}

impl Tensor<'_> {
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
        let named = state_dict(&pickle)?;
        if named.len() > MAX_TENSORS {
            return Err(ImportError::Architecture(format!("{} tensors", named.len())));
        }
        let prefix = if named.iter().any(|(name, _)| name.starts_with(PREFIX)) { PREFIX } else { "" };
        let own = named.into_iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value)));
        let tensors = own.map(|(name, value)| (name, layout(&pickle, value))).collect();
        Ok(Self { archive, prefix, tensors, storage: None })
    }

    /// The names of all tensors, without the prefix.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// An error about the tensor called `name`.
    pub(super) fn wrong(&self, name: &str, what: impl Into<String>) -> ImportError {
        ImportError::Tensor { tensor: format!("{}{name}", self.prefix), what: what.into() }
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
        match (self.tensors.get(one), self.tensors.get(other)) {
            (Some(Ok(one)), Some(Ok(other))) => one.storage == other.storage && one.offset == other.offset,
            _ => false,
        }
    }

    /// The tensor called `name`, which has to have this shape.
    ///
    /// # Errors
    /// [`ImportError`] names the tensor that is missing, of another shape, or reaches beyond its storage.
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Tensor<'_>, ImportError> {
        let layout = self.layout(name)?.clone();
        if layout.shape != shape {
            return Err(self.wrong(name, format!("has shape {:?}, not {shape:?}", layout.shape)));
        }
        if !layout.fits() {
            return Err(self.wrong(name, "reaches beyond its storage: save the checkpoint again"));
        }
        let bytes = self.storage(&layout)?;
        Ok(Tensor { layout, bytes })
    }

    fn storage(&mut self, layout: &Layout) -> Result<&[u8], ImportError> {
        let size = (layout.length as u64).saturating_mul(layout.dtype.size() as u64);
        let same = |(key, bytes): &(String, Vec<u8>)| *key == layout.storage && bytes.len() as u64 == size;
        let storage = match self.storage.take().filter(same) {
            Some(storage) => storage,
            None => (layout.storage.clone(), self.archive.storage(&layout.storage, size)?),
        };
        Ok(&self.storage.insert(storage).1)
    }

    fn layout(&self, name: &str) -> Result<&Layout, ImportError> {
        match self.tensors.get(name) {
            Some(Ok(layout)) => Ok(layout),
            Some(Err(what)) => Err(self.wrong(name, what.clone())),
            None => Err(self.wrong(name, "is missing: this is no checkpoint of a published ERN, or not all of it")),
        }
    }
}

impl Layout {
    /// Whether every element lies in the storage. No dimension is 0, else the shape would be none that is asked for.
    fn fits(&self) -> bool {
        let last = self.shape.iter().zip(&self.strides).try_fold(self.offset, |last, (&edge, &stride)| {
            edge.checked_sub(1)?.checked_mul(stride).and_then(|steps| last.checked_add(steps))
        });
        self.shape.len() == self.strides.len() && last.is_some_and(|last| last < self.length)
    }
}

/// The named values of `state_dict`, or of the whole where it is the state dictionary itself.
fn state_dict<'a>(pickle: &Pickle<'a>) -> Result<Vec<(&'a str, Value)>, ImportError> {
    let named = |value| {
        let items = pickle.dict(value)?;
        Some(items.iter().filter_map(|&(key, value)| Some((pickle.text(key)?, value))).collect::<Vec<_>>())
    };
    let whole = named(pickle.root()).ok_or(ImportError::NoStateDict)?;
    match whole.iter().rfind(|(name, _)| *name == "state_dict") {
        Some(&(_, value)) => named(value).ok_or(ImportError::NoStateDict),
        None => Ok(whole),
    }
}

/// Reads `_rebuild_tensor_v2(storage, offset, shape, strides, …)`, bare or as a parameter.
fn layout(pickle: &Pickle<'_>, value: Value) -> Result<Layout, String> {
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

fn tensor_layout(pickle: &Pickle<'_>, [storage, offset, shape, strides]: [Value; 4]) -> Result<Layout, String> {
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
    Ok(Layout {
        storage: pickle.text(key).ok_or_else(unreadable)?.to_owned(),
        dtype: Dtype::named(pickle.global(dtype).ok_or_else(unreadable)?.name)?,
        length: number(length)?,
        offset: number(offset)?,
        shape: numbers(shape)?,
        strides: numbers(strides)?,
    })
}
