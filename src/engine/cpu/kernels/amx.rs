//! x86 with AMX: tiles of 16 positions × 16 output channels, 64 input channels a product.
//!
//! A code is a byte, a weight +1 or −1: the products are the sums themselves, without a constant to take off. A tile of codes is
//! loaded straight from the map, a row of it a position. Weights lie in memory as bits, so that the caches hold a network's, and
//! become bytes a block at a time, or, where a layer has many, a tile at a time beside the products of the tile before. All but
//! convolutions runs on AVX-512. The tiles' instructions are assembly, as the compiler has no stable functions for them.
//!
//! # Tiles between blocks of assembly
//!
//! Tiles hold sums from one `asm!` to the next, which a register of Rust's own must not. They may: every block names the tiles that
//! it writes as clobbered, so none is a value of Rust's; the compiler makes no code of its own for tiles, since it does so for AMX
//! intrinsics alone, which stand nowhere in this program; what runs in between is inlined AVX-512, without a call that could come to
//! another kernel; and the system keeps them for each thread, once it is asked for (`is_permitted`). `convolve` configures them
//! before the first use and releases them behind the last, and nothing in between returns early.

use super::super::packing::Packing;
use super::avx512::common;
use super::generic::{Conv, Sink, Vector, even_part};
use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;

/// 64 bytes, a code each.
#[derive(Clone, Copy)]
pub(super) struct Amx(__m512i);

/// Rows of a tile, and its columns of 32 bits.
const TILE: usize = 16;
/// Bytes of a row of a tile, and of a tile.
const ROW_BYTES: usize = 64;
const TILE_BYTES: usize = TILE * ROW_BYTES;
/// Output channels of a block: four tiles.
const LANES: usize = 64;

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
    /// TileSums in tiles 0 to 4 and codes in 5 and 7, of `positions` rows; weights in 6.
    fn new(positions: usize) -> Self {
        let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
        row_bytes[..8].fill(64);
        rows[..8].fill(positions as u8);
        rows[6] = TILE as u8;
        Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
    }
}

/// Strips whose sums wait in tiles at the same time.
const STRIPS: usize = 5;
/// Taps whose signs, a block's, are made once for all strips; of more, they would not stay in the first two caches.
const MOST_READY: usize = 18;

/// The sums of some strips of positions, a block each.
#[repr(C, align(64))]
struct TileSums([[i32; LANES]; STRIPS * TILE]);

/// Tiles of signs as bytes.
#[repr(C, align(64))]
struct Signs([MaybeUninit<[u8; TILE_BYTES]>; 4 * MOST_READY]);
/// Of signs that are made just before they are used, tiles that wait.
const SIGNS: usize = 4;

/// How a convolution's positions are cut into strips of at most [`TILE`], which lie in the map at even distances.
#[derive(Clone, Copy)]
struct Strips {
    /// Positions of each.
    positions: usize,
    /// Lines of positions that are cut by themselves.
    lines: usize,
    /// Positions of a line.
    length: usize,
    /// Positions from one row to the next.
    pitch: usize,
}

/// Some neighbours of a line.
#[derive(Clone, Copy)]
struct Strip {
    y: usize,
    x: usize,
    /// How many of its first positions another strip gives already.
    known: usize,
}

impl Strips {
    /// A line a row, or, where rows would leave strips short, one line through all rows and the borders between them.
    fn new(conv: &Conv<'_>) -> Self {
        let rows = conv.rows.len();
        let (lines, length, pitch) = if conv.stride == 1 && !conv.width.is_multiple_of(TILE) {
            let pitch = conv.map.edge + 2;
            (1, (rows - 1) * pitch + conv.width, pitch)
        } else {
            (rows, conv.width, conv.width)
        };
        Self { positions: length.min(TILE), lines, length, pitch }
    }

    fn a_line(self) -> usize {
        self.length.div_ceil(self.positions)
    }

    fn count(self) -> usize {
        self.lines * self.a_line()
    }

    /// Strip number `i`; the last one of a line starts where it still fits.
    fn strip(self, i: usize) -> Strip {
        let (line, start) = (i / self.a_line(), i % self.a_line() * self.positions);
        let fits = start.min(self.length - self.positions);
        let at = line * self.pitch + fits;
        Strip { y: at / self.pitch, x: at % self.pitch, known: start - fits }
    }
}

/// Runs `conv`, some strips of positions and a block at a time.
///
/// # Safety
/// The processor has the instruction set, the job is inside its slices ([`Conv::is_inside`]), and the sink takes all of its
/// positions and blocks.
#[inline(always)]
pub(super) unsafe fn convolve<S: Sink<Amx>>(conv: &Conv<'_>, sink: &mut S) {
    if conv.rows.is_empty() || conv.width == 0 {
        return;
    }
    let strips = Strips::new(conv);
    let taps = conv.taps.len();
    let ready = taps <= MOST_READY && strips.count() > STRIPS;
    let group = if ready { 2 } else { even_part(strips.count(), STRIPS) };
    let shapes = Shapes::new(strips.positions);
    let mut signs = Signs([MaybeUninit::uninit(); 4 * MOST_READY]);
    let signs = signs.0.as_mut_ptr().cast::<u8>();
    let mut sums = TileSums([[0; LANES]; STRIPS * TILE]);
    // SAFETY: the processor has AMX: the caller's promise. The strips are inside the rows, so by `Conv::is_inside`, which the
    // caller has checked, are all their taps and weights.
    unsafe {
        asm!("ldtilecfg [{}]", in(reg) &raw const shapes, options(readonly, nostack, preserves_flags));
        for block in conv.blocks.clone() {
            let bits = conv.weights[block * taps * LANES * 8..].as_ptr().cast::<u64>();
            if ready {
                for tile in 0..4 * taps {
                    unpack(bits.add(tile * TILE), signs.add(tile * TILE_BYTES));
                }
            }
            for start in (0..strips.count()).step_by(group) {
                let count = group.min(strips.count() - start);
                let strip = |i: usize| strips.strip((start + i).min(strips.count() - 1));
                let first: [_; STRIPS] = std::array::from_fn(|i| {
                    let at = strip(i);
                    conv.input.as_ptr().add(conv.first_tap(conv.rows.start + at.y, at.x))
                });
                match count {
                    _ if ready => multiply_ready(conv, [first[0], first[1]], signs, &mut sums),
                    1 => multiply::<1>(conv, first, bits, signs, &mut sums),
                    2 => multiply::<2>(conv, first, bits, signs, &mut sums),
                    3 => multiply::<3>(conv, first, bits, signs, &mut sums),
                    4 => multiply::<4>(conv, first, bits, signs, &mut sums),
                    _ => multiply::<5>(conv, first, bits, signs, &mut sums),
                }
                for (i, sums) in sums.0.chunks_exact(TILE).take(count).enumerate() {
                    let Strip { mut y, mut x, known } = strip(i);
                    for (p, sums) in sums[..strips.positions].iter().enumerate() {
                        if p >= known && x < conv.width {
                            let [even, odd] = halves(sums);
                            sink.put(y, x, block, even, odd);
                        }
                        x += 1;
                        if x == strips.pitch {
                            (y, x) = (y + 1, 0);
                        }
                    }
                }
            }
        }
        asm!("tilerelease", options(nomem, nostack, preserves_flags));
    }
}

/// Bits → a tile of bytes, +1 for a bit that is set and −1 for another.
///
/// # Safety
/// The processor has the instruction set, and `bits` points at the signs of a tile, `signs` at room for them a byte each.
#[inline(always)]
unsafe fn unpack(bits: *const u64, signs: *mut u8) {
    for i in 0..TILE {
        // SAFETY: the processor has AVX-512, and both sides have room for a tile: the caller's promises.
        unsafe {
            let bits = bits.add(i).read_unaligned();
            let bytes = _mm512_mask_blend_epi8(bits, _mm512_set1_epi8(-1), _mm512_set1_epi8(1));
            _mm512_store_si512(signs.add(i * LANES).cast(), bytes);
        }
    }
}

/// Two strips × a block, half of it at a time, with all its signs ready.
///
/// # Safety
/// The processor has the instruction set, and `first` points at the first taps of two strips of the job, `signs` at the signs
/// of all of its taps.
#[inline(always)]
unsafe fn multiply_ready(conv: &Conv<'_>, first: [*const u8; 2], mut signs: *const u8, sums: &mut TileSums) {
    let next_position = conv.stride * conv.map.pixel;
    // SAFETY: the shapes are loaded, and all that the tiles hold is inside its slices: the caller's promises. Between the blocks of
    // assembly tiles keep what they hold, see the head of this file.
    unsafe {
        for half in 0..2 {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                options(nomem, nostack, preserves_flags),
            );
            for &tap in conv.taps {
                asm!(
                    "tileloadd tmm6, [{signs} + {row}]",
                    "tileloadd tmm5, [{a} + {next}]",
                    "tdpbusd tmm0, tmm5, tmm6",
                    "tileloadd tmm7, [{b} + {next}]",
                    "tdpbusd tmm2, tmm7, tmm6",
                    "tileloadd tmm6, [{signs} + {row} + 1024]",
                    "tdpbusd tmm1, tmm5, tmm6",
                    "tdpbusd tmm3, tmm7, tmm6",
                    signs = in(reg) signs, row = in(reg) ROW_BYTES, next = in(reg) next_position,
                    a = in(reg) first[0].add(tap as usize), b = in(reg) first[1].add(tap as usize),
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(readonly, nostack, preserves_flags),
                );
                signs = signs.add(2 * TILE_BYTES);
            }
            let sums = sums.0.as_mut_ptr().cast::<i32>().add(half * LANES / 2);
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
}

/// `N` strips × a block, a quarter of it at a time: each tile of signs is made once for all strips, while the one before is used.
///
/// # Safety
/// The processor has the instruction set, the tiles are configured, and the pointers point at all taps and signs of the strips.
#[inline(always)]
unsafe fn multiply<const N: usize>(
    conv: &Conv<'_>,
    first: [*const u8; STRIPS],
    bits: *const u64,
    signs: *mut u8,
    sums: &mut TileSums,
) {
    let next_position = conv.stride * conv.map.pixel;
    let taps = conv.taps.len();
    // SAFETY: as in `multiply_ready`.
    unsafe {
        for quarter in 0..4 {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", "tilezero tmm4",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _,
                options(nomem, nostack, preserves_flags),
            );
            for next in 0..=taps {
                if next < taps {
                    let tile = (quarter / 2 * taps + next) * 2 + quarter % 2;
                    unpack(bits.add(tile * TILE), signs.add(next % SIGNS * TILE_BYTES));
                }
                let Some(i) = next.checked_sub(1) else { continue };
                let tap = conv.taps[i] as usize;
                asm!(
                    "tileloadd tmm6, [{signs} + {row}]",
                    signs = in(reg) signs.add(i % SIGNS * TILE_BYTES), row = in(reg) ROW_BYTES, out("tmm6") _,
                    options(readonly, nostack, preserves_flags),
                );
                macro_rules! products {
                    ($($strip:tt $sums:tt $codes:tt)*) => { $(
                        if N > $strip {
                            asm!(
                                concat!("tileloadd ", $codes, ", [{codes} + {next}]"),
                                concat!("tdpbusd ", $sums, ", ", $codes, ", tmm6"),
                                codes = in(reg) first[$strip].add(tap), next = in(reg) next_position,
                                out($sums) _, out($codes) _,
                                options(readonly, nostack, preserves_flags),
                            );
                        }
                    )* }
                }
                products!(0 "tmm0" "tmm5" 1 "tmm1" "tmm7" 2 "tmm2" "tmm5" 3 "tmm3" "tmm7" 4 "tmm4" "tmm5");
            }
            macro_rules! store {
                ($($strip:tt $sums:tt)*) => { $(
                    if N > $strip {
                        asm!(
                            concat!("tilestored [{to} + {row}], ", $sums),
                            to = in(reg) sums.0.as_mut_ptr().cast::<i32>().add($strip * TILE * LANES + quarter * TILE),
                            row = in(reg) size_of::<[i32; LANES]>(),
                            options(nostack, preserves_flags),
                        );
                    }
                )* }
            }
            store!(0 "tmm0" 1 "tmm1" 2 "tmm2" 3 "tmm3" 4 "tmm4");
        }
    }
}

/// The sums of a block as 16-bit lanes, in the order that [`Packing::place_of_sign`] makes up for.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn halves(sums: &[i32; LANES]) -> [Amx; 2] {
    // SAFETY: the processor has AVX-512: the caller's promise.
    unsafe {
        let quarter = |i: usize| _mm512_load_si512(sums.as_ptr().add(TILE * i).cast());
        [0, 2].map(|i| Amx(_mm512_packs_epi32(quarter(i), quarter(i + 1))))
    }
}

impl Vector for Amx {
    const PACKING: Packing = Packing { lanes: LANES, group: 1, index_bytes: 1, tap: 64, together: 1, along: None };
    common!(8);

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // A code a byte already.
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a packed block.
        unsafe { self.store(to) }
    }
}
