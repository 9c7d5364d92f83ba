//! The kernels of one level behind safe functions, and the one place of the engine where unsafe code lives.
//!
//! [`generic`], `positions`, [`pixels`] and [`floats`] hold the algorithms, `scalar`, `avx2`, `avx512`, `neon` and `simd128` the
//! vectors they run on, `tables` what they look up, [`pool`] the threads. [`Kernels`] exists only where the processor has its level, and checks
//! that a job stays inside its slices before it starts.
#![allow(unsafe_code)]
#![cfg_attr(fuzzing, allow(dead_code, unused_imports, reason = "only the scalar level is fuzzed"))]

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod floats;
mod generic;
#[cfg(target_arch = "aarch64")]
mod neon;
mod picture;
mod pixels;
pub(super) mod pool;
#[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))]
mod positions;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
mod tables;

pub(super) use floats::FloatRows;
pub(super) use generic::{Along, Conv};
pub(super) use picture::PictureRows;
pub(super) use pixels::PixelRows;

use super::level::Level;
use super::packing::{CodeMap, LaneThresholds, Packing};
use floats::{FloatSink, FloatsToCodes, FloatsToSums};
use generic::{CodeRows, Sink, ToCodes, ToNarrow, ToWide, TrunkCodes, Vector};
use pool::{MAX_THREADS, Pool};

/// The kernels of one level.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    functions: &'static Functions,
    /// Whether the float layer may multiply and add apart.
    apart: bool,
}

/// One level's kernels, compiled for it.
struct Functions {
    packing: Packing,
    convolution: &'static str,
    /// The same along positions.
    along_positions: &'static str,
    /// Whether rounding apart changes the float layer.
    floats_apart: bool,
    to_codes: unsafe fn(&Conv<'_>, &mut ToCodes),
    to_narrow: unsafe fn(&Conv<'_>, &mut ToNarrow),
    to_wide: unsafe fn(&Conv<'_>, &mut ToWide),
    quantize_narrow: unsafe fn(&[i16], &LaneThresholds<i16>, CodeRows),
    quantize_wide: unsafe fn(&[i32], &LaneThresholds<i32>, CodeRows),
    pixels_to_codes: unsafe fn(&PixelRows<'_>, &mut ToCodes),
    pixels_to_wide: unsafe fn(&PixelRows<'_>, &mut ToWide),
    /// Rounded as the layer is defined, and as it is fastest.
    floats_to_codes: [unsafe fn(&FloatRows<'_>, &mut FloatsToCodes); 2],
    floats_to_sums: [unsafe fn(&FloatRows<'_>, &mut FloatsToSums); 2],
}

/// The generic algorithms over one vector, compiled with its instruction set. `$tile` positions of a float row share the
/// loads of their weights; four vectors each, they must fit the registers.
macro_rules! functions {
    ($vector:ty, $convolution:literal $(or $along:literal)?, $convolve:expr, $tile:literal, $(#[$features:meta])?) => {{
        $(#[$features])?
        unsafe fn convolve<S: Sink<$vector>>(conv: &Conv<'_>, sink: &mut S) {
            // SAFETY: the caller's promises.
            unsafe { $convolve(conv, sink) }
        }
        $(#[$features])?
        unsafe fn quantize<N: super::packing::Quantity>(sums: &[N], thresholds: &LaneThresholds<N>, rows: CodeRows) {
            // SAFETY: the caller's promises.
            unsafe { generic::quantize::<$vector, N>(sums, thresholds, rows) }
        }
        $(#[$features])?
        unsafe fn add_up<S: Sink<$vector>>(job: &PixelRows<'_>, sink: &mut S) {
            // SAFETY: the caller's promises.
            unsafe { pixels::add_up::<$vector, S>(job, sink) }
        }
        $(#[$features])?
        unsafe fn convolve_floats<S: FloatSink<$vector>, const APART: bool>(job: &FloatRows<'_>, sink: &mut S) {
            // SAFETY: the caller's promises.
            unsafe { floats::convolve_floats::<$vector, S, $tile, APART>(job, sink) }
        }
        const APART: bool = <$vector>::MULTIPLIES_APART;
        &Functions {
            packing: <$vector>::PACKING,
            convolution: $convolution,
            along_positions: concat!($($along)?),
            floats_apart: APART,
            to_codes: convolve,
            to_narrow: convolve,
            to_wide: convolve,
            quantize_narrow: quantize,
            quantize_wide: quantize,
            pixels_to_codes: add_up,
            pixels_to_wide: add_up,
            floats_to_codes: [convolve_floats::<_, false>, convolve_floats::<_, APART>],
            floats_to_sums: [convolve_floats::<_, false>, convolve_floats::<_, APART>],
        }
    }};
}

#[cfg(target_arch = "x86_64")]
pub(super) use amx::is_available as has_amx;

impl Kernels {
    /// The kernels of `level`; `None` where this processor lacks it.
    pub(super) fn new(level: Level) -> Option<Self> {
        level.is_available().then(|| Self { functions: functions(level), apart: false })
    }

    /// How they pack channels.
    pub(super) fn packing(self) -> Packing {
        self.functions.packing
    }

    /// What they convolve with.
    pub(super) fn convolution(self) -> &'static str {
        self.functions.convolution
    }

    /// What they convolve with by tables along positions, where they do.
    pub(super) fn along_positions(self) -> &'static str {
        self.functions.along_positions
    }

    /// Lets the float layer round products and sums apart, where rounding them once takes far longer, or forbids it.
    pub(super) fn round_apart(&mut self, apart: bool) {
        self.apart = apart && self.functions.floats_apart;
    }

    /// What the float layer is computed with.
    pub(super) fn float_convolution(self) -> &'static str {
        if self.apart { "float mul, add" } else { "float fma" }
    }

    /// Convolves into packed codes. `thresholds` are `[block][even lanes, odd lanes][3][lane]` over the sums as
    /// [`generic`] takes them; `out` are the output's rows, borders left and right included. Where there is a pool, its threads
    /// share the work, here and below.
    pub(super) fn to_codes(
        self,
        pool: Option<&mut Pool>,
        conv: &Conv<'_>,
        thresholds: &[i16],
        map: CodeMap,
        out: &mut [u8],
    ) {
        assert!(conv.is_inside(self.packing()) && thresholds.len() == 3 * conv.all_blocks * self.packing().lanes);
        assert_eq!(conv.width, map.edge);
        let rows = self.code_rows(map, conv.rows.len(), conv.all_blocks, out);
        let sink = ToCodes { thresholds: thresholds.as_ptr(), rows };
        share(pool, conv, sink, |part, sink: &ToCodes, below| {
            // SAFETY: the level is available; input, weights, thresholds and rows hold every position and block.
            unsafe { (self.functions.to_codes)(part, &mut ToCodes { rows: sink.rows.below(below), ..*sink }) }
        });
    }

    /// Convolves into rows of a trunk of 16 bits, `[y][x][block][lane]`; `offsets` are taken off.
    pub(super) fn to_narrow(
        self,
        pool: Option<&mut Pool>,
        conv: &Conv<'_>,
        (offsets, add, trunk): (&[i16], bool, &mut [i16]),
    ) {
        self.share_narrow(pool, conv, (offsets, add, trunk), None);
    }

    /// The same, and compares what the trunk holds then with `thresholds`.
    pub(super) fn to_narrow_and_codes(
        self,
        pool: Option<&mut Pool>,
        conv: &Conv<'_>,
        (offsets, add, trunk): (&[i16], bool, &mut [i16]),
        thresholds: &LaneThresholds<i16>,
        map: CodeMap,
        out: &mut [u8],
    ) {
        assert_eq!((conv.width, offsets.len()), (map.edge, thresholds.flips.len()));
        let rows = self.code_rows(map, conv.rows.len(), conv.all_blocks, out);
        let (flips, thresholds) = (thresholds.flips.as_ptr(), thresholds.rows.each_ref().map(|row| row.as_ptr()));
        self.share_narrow(pool, conv, (offsets, add, trunk), Some(TrunkCodes { flips, thresholds, rows }));
    }

    /// As [`Kernels::to_narrow`], with 32 bits.
    pub(super) fn to_wide(
        self,
        pool: Option<&mut Pool>,
        conv: &Conv<'_>,
        (offsets, add, trunk): (&[i16], bool, &mut [i32]),
    ) {
        self.check_trunk(conv, offsets, trunk.len());
        let (width, blocks) = (conv.width, conv.all_blocks);
        let sink = ToWide { offsets: offsets.as_ptr(), trunk: trunk.as_mut_ptr(), width, blocks, add };
        let row = width * offsets.len();
        share(pool, conv, sink, |part, sink: &ToWide, below| {
            // SAFETY: as in `share_narrow`.
            unsafe {
                (self.functions.to_wide)(part, &mut ToWide { trunk: sink.trunk.wrapping_add(below * row), ..*sink });
            }
        });
    }

    /// Compares rows of a trunk of 16 bits with thresholds.
    pub(super) fn quantize_narrow(self, sums: &[i16], thresholds: &LaneThresholds<i16>, map: CodeMap, out: &mut [u8]) {
        let rows = self.quantized_rows(sums.len(), thresholds.flips.len(), map, out);
        // SAFETY: the level is available; the rows hold every position and block.
        unsafe { (self.functions.quantize_narrow)(sums, thresholds, rows) }
    }

    /// The same with 32 bits.
    pub(super) fn quantize_wide(self, sums: &[i32], thresholds: &LaneThresholds<i32>, map: CodeMap, out: &mut [u8]) {
        let rows = self.quantized_rows(sums.len(), thresholds.flips.len(), map, out);
        // SAFETY: as in `quantize_narrow`.
        unsafe { (self.functions.quantize_wide)(sums, thresholds, rows) }
    }

    /// Convolves bytes behind their embedding into packed codes; `thresholds` as for [`Kernels::to_codes`].
    pub(super) fn pixels_to_codes(self, job: &PixelRows<'_>, thresholds: &[i16], map: CodeMap, out: &mut [u8]) {
        assert!(job.is_inside(self.packing()) && thresholds.len() == 3 * job.over.blocks * self.packing().lanes);
        assert_eq!(job.over.width, map.edge);
        let rows = self.code_rows(map, job.over.rows.len(), job.over.blocks, out);
        // SAFETY: the level is available; picture, table, thresholds and rows hold every position and block.
        unsafe { (self.functions.pixels_to_codes)(job, &mut ToCodes { thresholds: thresholds.as_ptr(), rows }) }
    }

    /// The same into memory, `[y][x][block][lane]`; `offsets` are taken off.
    pub(super) fn pixels_to_wide(self, job: &PixelRows<'_>, offsets: &[i16], sums: &mut [i32]) {
        let (width, blocks) = (job.over.width, job.over.blocks);
        assert!(job.is_inside(self.packing()) && offsets.len() == blocks * self.packing().lanes);
        assert_eq!(sums.len(), job.over.rows.len() * width * offsets.len());
        let mut sink = ToWide { offsets: offsets.as_ptr(), trunk: sums.as_mut_ptr(), width, blocks, add: false };
        // SAFETY: the level is available; picture, table, offsets and sums hold every position and block.
        unsafe { (self.functions.pixels_to_wide)(job, &mut sink) }
    }

    /// Convolves floats into packed codes.
    pub(super) fn floats_to_codes(
        self,
        job: &FloatRows<'_>,
        thresholds: &LaneThresholds<f32>,
        map: CodeMap,
        out: &mut [u8],
    ) {
        assert!(job.is_inside(self.packing()) && thresholds.flips.len() == job.over.blocks * self.packing().lanes);
        assert_eq!(job.over.width, map.edge);
        let rows = self.code_rows(map, job.over.rows.len(), job.over.blocks, out);
        // SAFETY: the level is available; picture, weights, thresholds and rows hold every position and block.
        unsafe {
            (self.functions.floats_to_codes[usize::from(self.apart)])(job, &mut FloatsToCodes { thresholds, rows });
        }
    }

    /// Convolves floats into memory, `[y][x][block][lane]`.
    pub(super) fn floats_to_sums(self, job: &FloatRows<'_>, sums: &mut [f32]) {
        let (width, blocks) = (job.over.width, job.over.blocks);
        assert!(job.is_inside(self.packing()));
        assert_eq!(sums.len(), job.over.rows.len() * width * blocks * self.packing().lanes);
        // SAFETY: the level is available; picture, weights and sums hold every position and block.
        unsafe {
            (self.functions.floats_to_sums[usize::from(self.apart)])(
                job,
                &mut FloatsToSums { sums: sums.as_mut_ptr(), width, blocks },
            );
        }
    }

    /// Convolves into a trunk of 16 bits; `codes` have every position and block of it.
    fn share_narrow(
        self,
        pool: Option<&mut Pool>,
        conv: &Conv<'_>,
        (offsets, add, trunk): (&[i16], bool, &mut [i16]),
        codes: Option<TrunkCodes>,
    ) {
        self.check_trunk(conv, offsets, trunk.len());
        let (width, blocks) = (conv.width, conv.all_blocks);
        let sink = ToNarrow { offsets: offsets.as_ptr(), trunk: trunk.as_mut_ptr(), width, blocks, add, codes };
        let row = width * offsets.len();
        share(pool, conv, sink, |part, sink: &ToNarrow, below| {
            let codes = sink.codes.as_ref().map(|codes| TrunkCodes { rows: codes.rows.below(below), ..*codes });
            let mut sink = ToNarrow { trunk: sink.trunk.wrapping_add(below * row), codes, ..*sink };
            // SAFETY: the level is available; input, weights, offsets, trunk, masks, thresholds and rows hold every position and
            // block.
            unsafe { (self.functions.to_narrow)(part, &mut sink) }
        });
    }

    fn check_trunk(self, conv: &Conv<'_>, offsets: &[i16], sums: usize) {
        let lanes = conv.all_blocks * self.packing().lanes;
        assert!(conv.is_inside(self.packing()) && offsets.len() == lanes);
        assert_eq!(sums, conv.rows.len() * conv.width * lanes);
    }

    fn quantized_rows(self, sums: usize, lanes: usize, map: CodeMap, out: &mut [u8]) -> CodeRows {
        let height = sums / (map.edge * lanes);
        assert_eq!(sums, height * map.edge * lanes);
        self.code_rows(map, height, lanes / self.packing().lanes, out)
    }

    /// Clears the borders of `out` and points at its first position.
    fn code_rows(self, map: CodeMap, height: usize, blocks: usize, out: &mut [u8]) -> CodeRows {
        assert_eq!(out.len(), height * map.row());
        assert!(blocks * self.packing().block_bytes() <= map.pixel);
        map.clear_sides(out);
        CodeRows { start: out.as_mut_ptr().wrapping_add(map.pixel), map }
    }
}

/// Where all parts of a convolution write.
struct Shared<S>(S);

// SAFETY: sinks are pointers; parts of a convolution share no position and block ([`Conv::part`]), so that they write to different
// places behind them, and what they only read does not change.
unsafe impl<S> Sync for Shared<S> {}

/// Has the pool's threads run the parts of a convolution: `run` gets a part, the sink, and how many rows below the first one the
/// part starts.
fn share<S>(pool: Option<&mut Pool>, conv: &Conv<'_>, sink: S, run: impl Fn(&Conv<'_>, &S, usize) + Sync) {
    let sink = Shared(sink);
    let sink = &sink;
    let run = |part: &Conv<'_>| run(part, &sink.0, part.rows.start - conv.rows.start);
    match pool {
        Some(pool) if pool.threads() > 1 => {
            let count = pool.threads();
            let mut parts: [usize; MAX_THREADS] = std::array::from_fn(|part| part);
            pool.run(&mut parts[..count], |&mut part| run(&conv.part(part, count)));
        }
        _ => run(conv),
    }
}

/// Compiled for every level of the architecture; the caller has asked whether the processor has it.
#[cfg(all(target_arch = "x86_64", not(fuzzing)))]
fn functions(level: Level) -> &'static Functions {
    match level {
        Level::Amx => functions!(
            amx::Amx, "int8 tiles", amx::convolve::<S>, 4,
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
        ),
        Level::Avx512Vbmi => functions!(
            avx512::Avx512Vbmi, "lut6 vpermb", generic::convolve::<avx512::Avx512Vbmi, S>, 4,
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx2,fma")]
        ),
        Level::Avx512 => functions!(
            avx512::Avx512, "lut4 vpshufb", generic::convolve::<avx512::Avx512, S>, 4,
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
        ),
        Level::Avx2 => {
            functions!(
                avx2::Avx2, "lut4 vpshufb" or "lut5 vpaddb", positions::convolve::<avx2::Avx2, S>, 3,
                #[target_feature(enable = "avx2,fma")]
            )
        }
        Level::Scalar | Level::Neon | Level::NeonDot | Level::Simd128 => {
            functions!(scalar::Scalar, "lut4", generic::convolve::<scalar::Scalar, S>, 1,)
        }
    }
}

/// Compiled for every level of the architecture; the caller has asked whether the processor has it.
#[cfg(all(target_arch = "aarch64", not(fuzzing)))]
fn functions(level: Level) -> &'static Functions {
    match level {
        Level::Neon | Level::NeonDot => {
            functions!(neon::Neon, "lut4 tbl", generic::convolve::<neon::Neon, S>, 4, #[target_feature(enable = "neon")])
        }
        Level::Scalar | Level::Simd128 | Level::Avx2 | Level::Avx512 | Level::Avx512Vbmi | Level::Amx => {
            functions!(scalar::Scalar, "lut4", generic::convolve::<scalar::Scalar, S>, 1,)
        }
    }
}

/// The two levels of WebAssembly.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(fuzzing)))]
fn functions(level: Level) -> &'static Functions {
    match level {
        Level::Simd128 => functions!(
            simd128::Simd128, "lut4 i8x16.swizzle" or "lut5 i8x16.add", positions::convolve::<simd128::Simd128, S>, 1,
            #[target_feature(enable = "simd128")]
        ),
        _ => functions!(scalar::Scalar, "lut4", generic::convolve::<scalar::Scalar, S>, 1,),
    }
}

/// The one level of other architectures; of a fuzzer, too, as what it instruments for all levels takes most of every execution.
#[cfg(any(
    fuzzing,
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
fn functions(_: Level) -> &'static Functions {
    functions!(scalar::Scalar, "lut4", generic::convolve::<scalar::Scalar, S>, 1,)
}
