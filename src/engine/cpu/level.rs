//! The instruction sets that the kernels are written for.

use std::fmt;

/// Multiply-accumulates from which on a network runs faster with tiles than with look-ups.
const TILES_PAY_FROM: u64 = 50_000_000;

/// An instruction set that the kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Any processor.
    Scalar,
    /// ARM with Advanced SIMD.
    Neon,
    /// ARM with the dot-product extension. Its kernels are NEON's: 16 table look-ups of four one-bit weights do more than
    /// 16 lanes of four 8-bit products.
    NeonDot,
    /// WebAssembly with 128-bit SIMD, none of it relaxed.
    Simd128,
    /// x86 with AVX2 and FMA.
    Avx2,
    /// x86 with AVX-512 F, BW, VL and DQ.
    Avx512,
    /// The same with VBMI.
    Avx512Vbmi,
    /// x86 with AVX-512 F, BW, VL and DQ, and AMX for bytes.
    Amx,
}

impl Level {
    /// All levels; of those that one processor has, the best comes last.
    pub const ALL: [Self; 8] =
        [Self::Scalar, Self::Neon, Self::NeonDot, Self::Simd128, Self::Avx2, Self::Avx512, Self::Avx512Vbmi, Self::Amx];

    /// The level that the command line calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Neon => "neon",
            Self::NeonDot => "neondot",
            Self::Simd128 => "simd128",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Vbmi => "avx512vbmi",
            Self::Amx => "amx",
        }
    }

    /// The most multiply-accumulates a cycle and core that the kernels of this level allow on today's server processors; `None`
    /// where that was not worked out.
    ///
    /// x86 processors look up 64 bytes a cycle: of four channels each 256, with `vpermb` of six 384. Of those 384, adding up
    /// leaves 341 and channels that fill 64 of 66 places 331. With 256 bits, look-ups and additions share three ports of Intel's
    /// cores: 1.5 of each a cycle. Layers with tables along positions are measured against the same number: two loads a cycle of
    /// 32 positions × 5 channels would allow 315. A product of tiles, 16 × 16 × 64, takes 16 cycles.
    pub(crate) fn most_macs_a_cycle(self) -> Option<u32> {
        match self {
            Self::Amx => Some(1024),
            Self::Avx512Vbmi => Some(331),
            Self::Avx512 => Some(256),
            Self::Avx2 => Some(if is_intel() { 192 } else { 256 }),
            Self::Scalar | Self::Neon | Self::NeonDot | Self::Simd128 => None,
        }
    }

    /// All names, for messages.
    #[cfg(feature = "live")]
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether this processor can.
    #[cfg(all(target_arch = "x86_64", not(fuzzing)))]
    pub fn is_available(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = || {
            avx2()
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
        };
        match self {
            Self::Scalar => true,
            Self::Neon | Self::NeonDot | Self::Simd128 => false,
            Self::Avx2 => avx2(),
            Self::Avx512 => avx512(),
            Self::Avx512Vbmi => avx512() && is_x86_feature_detected!("avx512vbmi"),
            Self::Amx => avx512() && super::kernels::has_amx(),
        }
    }

    /// Whether this processor can.
    #[cfg(all(target_arch = "aarch64", not(fuzzing)))]
    pub fn is_available(self) -> bool {
        use std::arch::is_aarch64_feature_detected;
        match self {
            Self::Scalar => true,
            Self::Neon => is_aarch64_feature_detected!("neon"),
            Self::NeonDot => is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("dotprod"),
            Self::Simd128 | Self::Avx2 | Self::Avx512 | Self::Avx512Vbmi | Self::Amx => false,
        }
    }

    /// Whether this processor can. A module of WebAssembly runs nowhere unless everything in it does.
    #[cfg(any(fuzzing, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    pub fn is_available(self) -> bool {
        let has_simd128 = cfg!(all(target_arch = "wasm32", target_feature = "simd128", not(fuzzing)));
        self == Self::Scalar || self == Self::Simd128 && has_simd128
    }

    /// The best one here for a large network.
    pub fn best() -> Self {
        Self::best_for(u64::MAX)
    }

    /// The best one here for a network of so many multiply-accumulates: the smallest maps leave tiles half empty.
    pub fn best_for(macs: u64) -> Self {
        let pays = |level: Self| level != Self::Amx || macs >= TILES_PAY_FROM;
        Self::ALL.into_iter().rfind(|&level| level.is_available() && pays(level)).unwrap_or(Self::Scalar)
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn is_intel() -> bool {
    let id = std::arch::x86_64::__cpuid(0);
    [id.ebx, id.edx, id.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
}

/// Miri knows no assembly.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn is_intel() -> bool {
    false
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
