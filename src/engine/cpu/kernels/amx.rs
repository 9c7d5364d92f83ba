//! x86 with AMX: tiles of 16 positions × 16 output channels, 64 input channels a product.
//!
//! A code is a byte, a weight +1 or −1: the products are the sums themselves, without a constant to take off. A tile of codes is
//! loaded straight from the map, a row of it a position. Weights lie in memory as bits, so that the caches hold a network's, and
//! become bytes a block at a time. All but convolutions runs on AVX-512. The tiles' instructions are assembly, as the compiler
//! has no stable functions for them.

use super::super::layout::Packing;
use super::avx512::common;
use super::generic::{Conv, Sink, Vector};
use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

/// 64 bytes, a code each.
#[derive(Clone, Copy)]
pub(super) struct Amx(__m512i);

/// Rows of a tile, and its columns of 32 bits.
const TILE: usize = 16;
/// Bytes of a tile.
const TILE_BYTES: usize = 1024;
/// Output channels of a block: four tiles.
const LANES: usize = 64;
/// Most taps of a pass: of 3×3, so many that their sums stay within 16 bits.
const MOST_TAPS: usize = 171;

/// Whether the processor multiplies tiles of bytes, and the system lets us: it keeps no room for them unless it is asked.
#[cfg(not(miri))]
pub(in super::super) fn is_available() -> bool {
    static AVAILABLE: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    const TILES_AND_INT8: u32 = 1 << 24 | 1 << 25;
    let has_tiles = || {
        let most = __cpuid(0).eax;
        most >= 7 && __cpuid_count(7, 0).edx & TILES_AND_INT8 == TILES_AND_INT8
    };
    *AVAILABLE.get_or_init(|| has_tiles() && is_permitted())
}

/// Miri knows no assembly.
#[cfg(miri)]
pub(in super::super) fn is_available() -> bool {
    false
}

/// Asks Linux for the tiles' registers; this holds for all threads.
#[cfg(all(target_os = "linux", not(miri)))]
fn is_permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: this system call reads and writes no memory of ours; it clobbers the two registers.
    unsafe {
        asm!(
            "syscall", inlateout("rax") ARCH_PRCTL => result, in("rdi") ARCH_REQ_XCOMP_PERM, in("rsi") TILE_DATA,
            out("rcx") _, out("r11") _, options(nostack),
        );
    }
    result == 0
}

/// Other systems are not asked yet.
#[cfg(not(any(target_os = "linux", miri)))]
fn is_permitted() -> bool {
    false
}

/// The shapes of the tiles, as the processor reads them.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// Sums in tiles 0 to 3 and codes in 4 and 5, of `positions` rows; weights in 6 and 7.
    fn new(positions: usize) -> Self {
        let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
        row_bytes[..8].fill(64);
        rows[..6].fill(positions as u8);
        rows[6..8].fill(TILE as u8);
        Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
    }
}

/// The sums of two strips of positions, a block each.
#[repr(C, align(64))]
struct Sums([[i32; LANES]; 2 * TILE]);

/// Up to 16 neighbours in a row.
#[derive(Clone, Copy)]
struct Strip {
    y: usize,
    x: usize,
    /// How many of its first positions another strip gives already.
    known: usize,
}

/// Runs `conv`, two strips of positions and a block at a time.
#[inline(always)]
pub(super) unsafe fn convolve<S: Sink<Amx>>(conv: &Conv<'_>, sink: &mut S) {
    let positions = conv.width.min(TILE);
    let strips_a_row = conv.width.div_ceil(positions);
    let strip = |i: usize| {
        let (y, start) = (i / strips_a_row, i % strips_a_row * positions);
        // The last strip of a row starts where it still fits.
        let x = start.min(conv.width - positions);
        Strip { y, x, known: start - x }
    };
    let strips = conv.rows.len() * strips_a_row;
    let shapes = Shapes::new(positions);
    let taps = conv.taps.len();
    assert!(taps <= MOST_TAPS);
    let mut signs = [MaybeUninit::<[__m512i; LANES]>::uninit(); MOST_TAPS];
    let signs = signs.as_mut_ptr().cast::<__m512i>();
    let mut sums = Sums([[0; LANES]; 2 * TILE]);
    // SAFETY: the processor has AMX: the caller's promise. The strips are inside the rows, so by `Conv::is_inside`, which the
    // caller has checked, are all their taps and weights.
    unsafe {
        asm!("ldtilecfg [{}]", in(reg) &raw const shapes, options(readonly, nostack, preserves_flags));
        for block in 0..conv.blocks {
            unpack(conv.weights[block * taps * LANES * 8..].as_ptr().cast(), taps * LANES, signs);
            for i in (0..strips).step_by(2) {
                let pair = [strip(i), strip((i + 1).min(strips - 1))];
                let first = pair.map(|at| conv.input.as_ptr().add(conv.first_tap(conv.rows.start + at.y, at.x)));
                for half in 0..2 {
                    let signs = signs.add(half * taps * LANES / 2).cast();
                    multiply(conv, first, signs, sums.0.as_mut_ptr().cast::<i32>().add(half * LANES / 2));
                }
                for (at, sums) in pair.into_iter().zip(sums.0.chunks_exact(TILE)).take(strips - i) {
                    for (p, sums) in sums[..positions].iter().enumerate().skip(at.known) {
                        let [even, odd] = halves(sums);
                        sink.put(at.y, at.x + p, block, even, odd);
                    }
                }
            }
        }
        asm!("tilerelease", options(nomem, nostack, preserves_flags));
    }
}

/// Bits → bytes, +1 for a bit that is set and −1 for another.
#[inline(always)]
unsafe fn unpack(bits: *const u64, vectors: usize, signs: *mut __m512i) {
    for i in 0..vectors {
        // SAFETY: the processor has AVX-512, and both sides have room for so many: the caller's promises.
        unsafe {
            let bits = bits.add(i).read_unaligned();
            _mm512_store_si512(signs.add(i), _mm512_mask_blend_epi8(bits, _mm512_set1_epi8(-1), _mm512_set1_epi8(1)));
        }
    }
}

/// Two strips × 32 output channels, into rows of [`Sums`].
#[inline(always)]
unsafe fn multiply(conv: &Conv<'_>, first: [*const u8; 2], mut signs: *const u8, sums: *mut i32) {
    let next_position = conv.stride * conv.map.pixel;
    // SAFETY: the shapes are loaded, and all that the tiles hold is inside its slices: the caller's promises. Between the blocks of
    // assembly tiles keep what they hold: nothing else in this program uses them.
    unsafe {
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nomem, nostack, preserves_flags),
        );
        for &tap in conv.taps {
            asm!(
                "tileloadd tmm6, [{signs} + {row}]",
                "tileloadd tmm4, [{a} + {next}]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm5, [{b} + {next}]",
                "tdpbusd tmm2, tmm5, tmm6",
                "tileloadd tmm7, [{signs} + {row} + 1024]",
                "tdpbusd tmm1, tmm4, tmm7",
                "tdpbusd tmm3, tmm5, tmm7",
                signs = in(reg) signs, row = in(reg) 64_usize, next = in(reg) next_position,
                a = in(reg) first[0].add(tap as usize), b = in(reg) first[1].add(tap as usize),
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(readonly, nostack, preserves_flags),
            );
            signs = signs.add(2 * TILE_BYTES);
        }
        asm!(
            "tilestored [{a} + {row}], tmm0",
            "tilestored [{a} + {row} + 64], tmm1",
            "tilestored [{b} + {row}], tmm2",
            "tilestored [{b} + {row} + 64], tmm3",
            a = in(reg) sums, b = in(reg) sums.add(TILE * LANES), row = in(reg) size_of::<[i32; LANES]>(),
            options(nostack, preserves_flags),
        );
    }
}

/// The sums of a block as 16-bit lanes, in the order that [`Packing::place_of_sign`] makes up for.
#[inline(always)]
unsafe fn halves(sums: &[i32; LANES]) -> [Amx; 2] {
    // SAFETY: the processor has AVX-512: the caller's promise.
    unsafe {
        let quarter = |i: usize| _mm512_load_si512(sums.as_ptr().add(TILE * i).cast());
        [0, 2].map(|i| Amx(_mm512_packs_epi32(quarter(i), quarter(i + 1))))
    }
}

// SAFETY of every block below: the caller promises AVX-512 F, BW, VL, DQ, and that pointers point at what is read or written.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Amx {
    const PACKING: Packing = Packing { lanes: LANES, group: 1, index_bytes: 1, tap: 64 };
    common!();

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // The odd channel's code moves up to a byte of its own.
        unsafe {
            let apart = _mm512_or_si512(self.0, _mm512_slli_epi16::<6>(self.0));
            Self(_mm512_and_si512(apart, _mm512_set1_epi16(0x0303))).store(to);
        }
    }
}
