//! Checkpoints in the published layout with random weights, written here: pickle, storages, zip.

use half::{bf16, f16};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Kind, blocks a stage, widths of the stages.
pub(crate) type Kind = (&'static str, bool, [usize; 4], [usize; 4]);

/// The five published networks: name, whether their blocks are bottlenecks, blocks, widths.
pub(crate) const KINDS: [Kind; 5] = [
    ("erns18-0.75x", false, [2, 2, 2, 2], [64, 128, 256, 384]),
    ("erns18", false, [2, 2, 2, 2], [64, 128, 256, 512]),
    ("erns34", false, [3, 4, 6, 3], [64, 128, 256, 512]),
    ("erns50", true, [3, 4, 6, 3], [64, 128, 256, 512]),
    ("erns101", true, [3, 4, 23, 3], [64, 128, 256, 512]),
];

/// Types of storages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
    I64,
}

#[derive(Clone)]
pub(crate) struct Storage {
    pub(crate) dtype: Dtype,
    pub(crate) values: Vec<f32>,
}

#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) storage: usize,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// A checkpoint, to be changed and written.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    pub(crate) dtype: Dtype,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) storages: Vec<Storage>,
    /// What stands before every name.
    pub(crate) prefix: &'static str,
    /// Whether the state dictionary is one item of a larger one.
    pub(crate) lightning: bool,
    /// Under which key.
    pub(crate) key: &'static str,
    /// Whether tensors are pickled as parameters.
    pub(crate) parameters: bool,
    /// Pickled items of the outermost dictionary, key and value.
    pub(crate) extra: Vec<u8>,
    pub(crate) random: u64,
}

/// Where all weights lie, each convolution at another offset.
const POOL: usize = 0;
const SPREAD: usize = 1009;

impl Checkpoint {
    /// Random weights. Every number is one that all float types hold.
    pub(crate) fn published((_, bottleneck, blocks, widths): Kind, classes: usize, dtype: Dtype) -> Self {
        let pool = Storage { dtype, values: Vec::new() };
        let (tensors, storages, extra) = (Vec::new(), vec![pool], Vec::new());
        let (prefix, key) = ("network.", "state_dict");
        let mut made =
            Self { dtype, tensors, storages, prefix, lightning: true, key, parameters: false, extra, random: 7 };
        made.embedding();
        for (part, channels) in [("1", 30), ("2", 64), ("_downsample", 64)] {
            made.conv(&format!("backbone.conv{part}"), [64, channels, 3]);
            made.norm(&format!("backbone.bn{part}"), 64);
        }
        made.alias("backbone.conv_downsample", "backbone.downsample.0");
        made.alias("backbone.bn_downsample", "backbone.downsample.1");
        made.conv("backbone.conv1_2", [64, 64, 1]);
        let wider = if bottleneck { 4 } else { 1 };
        for stage in (2..=4).rev() {
            made.norm(&format!("backbone.last_bn_layer{stage}"), widths[stage - 1] * wider);
        }
        let mut from = 64;
        for (stage, (blocks, width)) in blocks.into_iter().zip(widths).enumerate() {
            for block in 0..blocks {
                let prefix = format!("backbone.layer{}.{block}", stage + 1);
                made.block(&prefix, bottleneck, [from, width, width * wider], block == 0);
                from = width * wider;
            }
        }
        made.conv("conv", [classes, from, 1]);
        let largest =
            made.tensors.iter().filter(|t| t.storage == POOL).map(|t| t.offset + t.shape.iter().product::<usize>());
        let pool = (0..largest.max().expect("there are weights")).map(|_| made.weight()).collect();
        made.storages[POOL].values = pool;
        made
    }

    /// The smallest one, of two bytes a number.
    pub(crate) fn small() -> Self {
        Self::published(KINDS[0], 5, Dtype::Bf16)
    }

    /// The same with one weight for all of a convolution: tensors of stride 0, a file of some 100 kB.
    pub(crate) fn tiny() -> Self {
        let mut tiny = Self::small();
        for tensor in tiny.tensors.iter_mut().filter(|tensor| tensor.storage == POOL) {
            tensor.strides.fill(0);
        }
        tiny.storages[POOL].values.truncate(SPREAD);
        tiny
    }

    fn embedding(&mut self) {
        let steps = (0..10).map(|i| (i as f32 + 1.0) / 10.0 - 1.0);
        for (name, colours, values) in [
            ("w_const", 3, vec![0.0125; 30]),
            ("b_const", 1, steps.collect()),
            ("w", 3, vec![0.0; 30]),
            ("b", 3, vec![0.0001; 30]),
        ] {
            // As a trainer keeps them: these do not fit into 16 bits.
            self.own(&format!("pixel_embedding.{name}"), &[1, colours, 10, 1, 1], Dtype::F32, values);
        }
    }

    fn block(&mut self, prefix: &str, bottleneck: bool, [from, width, out]: [usize; 3], first: bool) {
        let parts: &[(&str, usize, &str, [usize; 3])] = match bottleneck {
            false => &[("bn0", from, "conv1", [width, from, 3]), ("bn1", width, "conv2", [out, width, 3])],
            true => &[
                ("bn1", from, "conv1", [width, from, 1]),
                ("bn2", width, "conv2", [width, width, 3]),
                ("bn3", width, "conv3", [out, width, 1]),
            ],
        };
        for &(norm, channels, conv, shape) in parts {
            self.norm(&format!("{prefix}.{norm}"), channels);
            self.conv(&format!("{prefix}.{conv}"), shape);
        }
        if first {
            self.conv(&format!("{prefix}.downsample"), [out, from, 1]);
        }
    }

    fn conv(&mut self, module: &str, [out, channels, kernel]: [usize; 3]) {
        let shape = vec![out, channels, kernel, kernel];
        let offset = self.tensors.len() * 17 % SPREAD;
        let strides = contiguous(&shape);
        self.tensors.push(Tensor { name: format!("{module}.weight"), storage: POOL, offset, shape, strides });
    }

    fn norm(&mut self, module: &str, channels: usize) {
        type Make = fn(&mut Checkpoint) -> f32;
        let parts: [(&str, Make); 4] = [
            // Some falling, some dead.
            ("weight", |made| made.below(40) as f32 / 32.0 - 0.125),
            ("bias", |made| made.below(48) as f32 / 32.0 - 0.25),
            ("running_mean", |made| made.below(33) as f32 / 64.0 - 0.25),
            ("running_var", |made| made.below(64) as f32 / 64.0),
        ];
        for (part, make) in parts {
            let values = (0..channels).map(|_| make(self)).collect();
            self.own(&format!("{module}.{part}"), &[channels], self.dtype, values);
        }
        self.own(&format!("{module}.num_batches_tracked"), &[], Dtype::I64, vec![1000.0]);
    }

    fn alias(&mut self, module: &str, other: &str) {
        let renamed =
            |tensor: &Tensor| Some(format!("{other}.{}", tensor.name.strip_prefix(module)?.strip_prefix('.')?));
        let again = |tensor: &Tensor| Some(Tensor { name: renamed(tensor)?, ..tensor.clone() });
        let aliases: Vec<Tensor> = self.tensors.iter().filter_map(again).collect();
        self.tensors.extend(aliases);
    }

    /// A tensor with a storage of its own.
    pub(crate) fn own(&mut self, name: &str, shape: &[usize], dtype: Dtype, values: Vec<f32>) {
        self.storages.push(Storage { dtype, values });
        let storage = self.storages.len() - 1;
        let tensor =
            Tensor { name: name.into(), storage, offset: 0, shape: shape.to_vec(), strides: contiguous(shape) };
        self.tensors.push(tensor);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.tensors.retain(|tensor| tensor.name != name);
    }

    pub(crate) fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).expect("there is such a tensor")
    }

    /// The numbers of a tensor, laid out anew in a storage of its own with the dimensions in the order `order`,
    /// outermost first.
    pub(crate) fn relaid(&mut self, name: &str, order: &[usize]) -> &mut Vec<f32> {
        let tensor = self.tensor(name).clone();
        let old = &self.storages[tensor.storage];
        let (dtype, ordered) = (old.dtype, order.iter().map(|&dimension| tensor.shape[dimension]).collect::<Vec<_>>());
        let mut strides = vec![0; order.len()];
        order.iter().zip(contiguous(&ordered)).for_each(|(&dimension, stride)| strides[dimension] = stride);
        let mut values = vec![0.0; tensor.shape.iter().product()];
        let count = values.len();
        for at in 0..count {
            let place = |strides: &[usize]| -> usize {
                let steps = contiguous(&tensor.shape);
                (0..strides.len()).map(|d| at / steps[d] % tensor.shape[d] * strides[d]).sum()
            };
            values[place(&strides)] = old.values[tensor.offset + place(&tensor.strides)];
        }
        self.storages.push(Storage { dtype, values });
        let storage = self.storages.len() - 1;
        *self.tensor(name) = Tensor { storage, offset: 0, strides, ..tensor };
        &mut self.storages[storage].values
    }

    /// The numbers of a tensor, in a storage of its own.
    pub(crate) fn values(&mut self, name: &str) -> &mut Vec<f32> {
        let order: Vec<usize> = (0..self.tensor(name).shape.len()).collect();
        self.relaid(name, &order)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % n
    }

    /// ±(64..127)/4096, now and then 0 or −0.
    fn weight(&mut self) -> f32 {
        let sign = if self.below(2) == 0 { 1.0 } else { -1.0 };
        match self.below(100) {
            0 => sign * 0.0,
            _ => sign * (64 + self.below(64)) as f32 / 4096.0,
        }
    }

    /// The state dictionary, pickled, up to where its last items are to be set.
    fn pickled_items(&self) -> Vec<u8> {
        let mut state = b"ccollections\nOrderedDict\n)R(".to_vec();
        for tensor in &self.tensors {
            text(&mut state, &format!("{}{}", self.prefix, tensor.name));
            self.pickle_tensor(&mut state, tensor);
        }
        state
    }

    /// The state dictionary, pickled.
    pub(crate) fn pickled_state(&self) -> Vec<u8> {
        [self.pickled_items(), b"u".to_vec()].concat()
    }

    /// The same tensors with other weights in them, out of the same storages.
    pub(crate) fn with_other_weights(&self) -> Self {
        let mut other = self.clone();
        other.tensors.iter_mut().filter(|tensor| tensor.storage == POOL).for_each(|tensor| tensor.offset /= 2);
        other
    }

    /// The pickle.
    pub(crate) fn pickle(&self) -> Vec<u8> {
        let state = self.pickled_items();
        if !self.lightning {
            return [b"\x80\x02", &state[..], &self.extra, b"u}", &pickled_text("_metadata"), b"}sb."].concat();
        }
        let mut pickle = b"\x80\x02}(".to_vec();
        text(&mut pickle, "epoch");
        pickle.extend(b"K\x03");
        text(&mut pickle, self.key);
        [&pickle[..], &state, b"u", &self.extra, b"u."].concat()
    }

    fn pickle_tensor(&self, pickle: &mut Vec<u8>, tensor: &Tensor) {
        if self.parameters {
            pickle.extend(b"ctorch._utils\n_rebuild_parameter\n(");
        }
        let storage = &self.storages[tensor.storage];
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(pickle, "storage");
        let class = match storage.dtype {
            Dtype::F16 => "Half",
            Dtype::Bf16 => "BFloat16",
            Dtype::F32 => "Float",
            Dtype::F64 => "Double",
            Dtype::I64 => "Long",
        };
        pickle.extend(format!("ctorch\n{class}Storage\n").as_bytes());
        text(pickle, &tensor.storage.to_string());
        text(pickle, "cpu");
        number(pickle, storage.values.len());
        pickle.extend(b"tQ");
        number(pickle, tensor.offset);
        for numbers in [&tensor.shape, &tensor.strides] {
            pickle.push(b'(');
            numbers.iter().for_each(|&n| number(pickle, n));
            pickle.push(b't');
        }
        pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        if self.parameters {
            pickle.extend(b"\x88ccollections\nOrderedDict\n)RtR");
        }
    }

    /// The entries of the archive: names without its folder, and contents.
    pub(crate) fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let mut entries = vec![("data.pkl".into(), self.pickle()), ("byteorder".into(), b"little".to_vec())];
        entries.extend(self.storages.iter().enumerate().map(|(key, storage)| (format!("data/{key}"), storage.bytes())));
        entries.push(("version".into(), b"3\n".to_vec()));
        entries
    }

    /// The file, as PyTorch writes it.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.saved_as("archive")
    }

    /// The file, as PyTorch writes it under a name without its ending.
    pub(crate) fn saved_as(&self, stem: &str) -> Vec<u8> {
        let mut zip = TorchZip::default();
        for (name, bytes) in self.entries() {
            zip.add(&format!("{stem}/{name}"), &bytes);
        }
        zip.finish()
    }
}

impl Storage {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &x in &self.values {
            match self.dtype {
                Dtype::F16 => bytes.extend(f16::from_f32(x).to_le_bytes()),
                Dtype::Bf16 => bytes.extend(bf16::from_f32(x).to_le_bytes()),
                Dtype::F32 => bytes.extend(x.to_le_bytes()),
                Dtype::F64 => bytes.extend(f64::from(x).to_le_bytes()),
                Dtype::I64 => bytes.extend((x as i64).to_le_bytes()),
            }
        }
        bytes
    }
}

/// A zip archive as PyTorch lays it out: entries as they are, each at a multiple of 64 bytes, with sizes and checksum behind it;
/// and behind the directory the records of zip64, which it does not need.
#[derive(Default)]
struct TorchZip {
    file: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl TorchZip {
    const ALIGNMENT: usize = 64;

    fn add(&mut self, name: &str, bytes: &[u8]) {
        let start = self.file.len();
        let (name_length, size) = (name.len() as u16, bytes.len() as u32);
        let data = start + 30 + name.len() + 4;
        let padding = data.next_multiple_of(Self::ALIGNMENT) - data;
        // Version; sizes behind the entry, a name in UTF-8; stored; no time; neither checksum nor sizes.
        let about = [[0_u16, 0x0808, 0, 0, 0].map(u16::to_le_bytes).concat(), vec![0; 12]].concat();
        self.file.extend([b"PK\x03\x04".as_slice(), &about].concat());
        self.file.extend([name_length, 4 + padding as u16].map(u16::to_le_bytes).concat());
        self.file.extend(name.as_bytes());
        self.file.extend([b"FB".as_slice(), &(padding as u16).to_le_bytes(), &vec![b'Z'; padding]].concat());
        self.file.extend(bytes);
        let sums = [crc32fast::hash(bytes), size, size].map(u32::to_le_bytes).concat();
        self.file.extend([b"PK\x07\x08".as_slice(), &sums].concat());

        let about = [0_u16, 0, 0x0808, 0, 0, 0].map(u16::to_le_bytes).concat();
        self.directory.extend([b"PK\x01\x02".as_slice(), &about, &sums, &name_length.to_le_bytes()].concat());
        self.directory.extend([vec![0; 12], (start as u32).to_le_bytes().to_vec(), name.as_bytes().to_vec()].concat());
        self.entries += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.file.len() as u64;
        let size = self.directory.len() as u64;
        self.file.append(&mut self.directory);
        let records = self.file.len() as u64;
        let entries = u64::from(self.entries);
        self.file.extend([b"PK\x06\x06".as_slice(), &44_u64.to_le_bytes(), &[0x1e, 3, 0x2d, 0], &[0; 8]].concat());
        self.file.extend([entries, entries, size, start].map(u64::to_le_bytes).concat());
        self.file.extend([b"PK\x06\x07".as_slice(), &[0; 4], &records.to_le_bytes(), &1_u32.to_le_bytes()].concat());
        let counts = [0, 0, self.entries, self.entries].map(u16::to_le_bytes).concat();
        let places = [size as u32, start as u32].map(u32::to_le_bytes).concat();
        self.file.extend([b"PK\x05\x06".as_slice(), &counts, &places, &[0; 2]].concat());
        self.file
    }
}

/// A zip archive with a folder `archive`.
pub(crate) fn archive(entries: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(format!("archive/{name}"), options).expect("an entry");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("an archive").into_inner()
}

/// `ccollections…`: a call of `module.name` with one text, pickled.
pub(crate) fn pickled_call(module: &str, name: &str, argument: &str) -> Vec<u8> {
    let mut pickle = format!("c{module}\n{name}\n").into_bytes();
    text(&mut pickle, argument);
    pickle.extend(b"\x85R");
    pickle
}

pub(crate) fn pickled_text(content: &str) -> Vec<u8> {
    let mut pickle = Vec::new();
    text(&mut pickle, content);
    pickle
}

fn text(pickle: &mut Vec<u8>, content: &str) {
    pickle.push(b'X');
    pickle.extend((content.len() as u32).to_le_bytes());
    pickle.extend(content.as_bytes());
}

fn number(pickle: &mut Vec<u8>, n: usize) {
    pickle.push(b'J');
    pickle.extend(i32::try_from(n).expect("small").to_le_bytes());
}

fn contiguous(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|dimension| shape[dimension + 1..].iter().product()).collect()
}
