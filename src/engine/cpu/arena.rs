//! The buffers of a run, and the run itself, step by step.

use super::classify::Classes;
use super::kernels::pool::{MAX_THREADS, Pool};
use super::kernels::{Conv, FloatRows, Kernels, PictureRows, PixelRows};
use super::packing::{LaneThresholds, Lines};
use super::pixel_sums::PackedPixelConv;
use super::plan::{CodeSlot, ConvThresholds, Made, PackedConv, PackedFloatConv, Plan, Step, TrunkThresholds, Work};
use super::unpack;
use crate::engine::{Probe, Sums, Wants};
use crate::frame::InputImage;
use crate::network::{LayerShape, Logits};
use std::ops::Range;
use std::time::Duration;
use web_time::Instant;

/// Everything that a run writes.
pub(super) struct Arena {
    /// Packed codes, a buffer a slot of the plan.
    pub(super) codes: Vec<Lines<u8>>,
    pub(super) trunk: TrunkSums,
    /// Sums of 32 bits `[y][x][block][lane]`: of a convolution of several passes, or of one that a probe looks at.
    wide: Lines<i32>,
    classes: Classes,
    pub(super) probe_room: Option<ProbeRoom>,
}

/// The residual sums, `[y][x][block][lane]`.
pub(super) enum TrunkSums {
    Narrow(Lines<i16>),
    Wide(Lines<i32>),
}

/// What probes are shown.
pub(super) struct ProbeRoom {
    codes: Vec<u8>,
    sums: Vec<i32>,
    floats: Vec<f32>,
    /// Float sums `[y][x][block][lane]`.
    float_lanes: Vec<f32>,
}

/// Looks on while the arena runs.
pub(super) trait Watch {
    /// Runs the step of layer `layer` with `run`, then shows what is wanted of it.
    fn step(&mut self, stage: &mut Workbench<'_>, layer: usize);
}

/// Nobody looks: nothing is left of watching.
pub(super) struct Unwatched;

/// A probe looks.
pub(super) struct Watched<'a>(pub(super) &'a mut dyn Probe);

/// What a step works with.
pub(super) struct Workbench<'a> {
    pub(super) arena: &'a mut Arena,
    pub(super) kernels: Kernels,
    pub(super) plan: &'a Plan,
    pub(super) pool: &'a mut Pool,
    pub(super) image: &'a InputImage,
}

impl Arena {
    pub(super) fn new(plan: &Plan) -> Self {
        let trunk = if plan.wide_trunk {
            TrunkSums::Wide(Lines::new(0, plan.trunk_sums))
        } else {
            TrunkSums::Narrow(Lines::new(0, plan.trunk_sums))
        };
        let mut arena = Self {
            codes: plan.slots.iter().map(|&bytes| Lines::new(0, bytes)).collect(),
            trunk,
            wide: Lines::new(0, plan.pass_sums),
            classes: Classes::default(),
            probe_room: None,
        };
        for step in &plan.steps {
            if let Work::Classify { classifier, .. } = &step.work {
                arena.classes = classifier.classes();
            }
        }
        arena
    }

    /// Bytes of all buffers.
    pub(super) fn bytes(&self) -> usize {
        let trunk = match &self.trunk {
            TrunkSums::Narrow(sums) => size_of_val(&**sums),
            TrunkSums::Wide(sums) => size_of_val(&**sums),
        };
        let probe = self
            .probe_room
            .as_ref()
            .map_or(0, |room| room.codes.len() + 4 * (room.sums.len() + room.floats.len() + room.float_lanes.len()));
        let codes: usize = self.codes.iter().map(|codes| codes.len()).sum();
        codes + trunk + 4 * self.wide.len() + self.classes.bytes() + probe
    }

    /// Makes room for probing any layer, once.
    pub(super) fn make_probe_room(&mut self, plan: &Plan) {
        if self.probe_room.is_some() {
            return;
        }
        let mut room = ProbeRoom { codes: Vec::new(), sums: Vec::new(), floats: Vec::new(), float_lanes: Vec::new() };
        let mut wide = self.wide.len();
        for (step, shape) in plan.steps.iter().zip(&plan.shapes) {
            let values = shape.channels * shape.edge * shape.edge;
            match &step.work {
                Work::FloatConv { conv, .. } => {
                    room.codes.resize(values, 0);
                    room.floats = vec![0.0; values];
                    room.float_lanes = vec![0.0; conv.thresholds.flips.len() * shape.edge * shape.edge];
                }
                Work::Conv { conv, .. } => {
                    wide = wide.max(conv.passes[0].packed.offsets.len() * shape.edge * shape.edge);
                }
                Work::PixelConv { conv, .. } => wide = wide.max(conv.offsets.len() * shape.edge * shape.edge),
                _ => {}
            }
            room.codes.resize(room.codes.len().max(values), 0);
            if !matches!(step.work, Work::Embed { .. } | Work::FloatConv { .. }) {
                room.sums.resize(room.sums.len().max(values), 0);
            }
        }
        if wide > self.wide.len() {
            self.wide = Lines::new(0, wide);
        }
        self.probe_room = Some(room);
    }

    /// Runs all steps and returns the logits.
    pub(super) fn run<W: Watch>(
        &mut self,
        kernels: Kernels,
        plan: &Plan,
        pool: &mut Pool,
        image: &InputImage,
        watch: &mut W,
    ) -> &Logits {
        let mut stage = Workbench { arena: &mut *self, kernels, plan, pool, image };
        for layer in 0..plan.steps.len() {
            watch.step(&mut stage, layer);
        }
        &self.classes.logits
    }

    /// Runs the first step alone; its codes, CHW, go to `codes`, which is as long as they are.
    #[cfg(feature = "fpga")]
    pub(super) fn run_first(
        &mut self,
        kernels: Kernels,
        plan: &Plan,
        pool: &mut Pool,
        image: &InputImage,
        codes: &mut [u8],
    ) {
        Workbench { arena: &mut *self, kernels, plan, pool, image }.run(0);
        if let Some(output) = plan.steps[0].work.output() {
            unpack::codes(kernels.packing(), output.map, &self.codes[output.slot], plan.shapes[0].channels, codes);
        }
    }
}

impl Watch for Unwatched {
    fn step(&mut self, stage: &mut Workbench<'_>, layer: usize) {
        if stage.plan.steps[layer].made == Made::Now {
            stage.run(layer);
        }
    }
}

impl Watch for Watched<'_> {
    fn step(&mut self, stage: &mut Workbench<'_>, layer: usize) {
        let made = stage.plan.steps[layer].made;
        let start = Instant::now();
        Unwatched.step(stage, layer);
        self.0.time(layer, if made == Made::Now { start.elapsed() } else { Duration::ZERO });
        let wants = self.0.wants(layer);
        if made == Made::ForProbes && (wants.codes || wants.histogram) {
            stage.run(layer);
        }
        if wants != Wants::default()
            && let Some(mut room) = stage.arena.probe_room.take()
        {
            stage.show(layer, wants, &mut room, self.0);
            stage.arena.probe_room = Some(room);
        }
    }
}

impl Workbench<'_> {
    pub(super) fn run(&mut self, layer: usize) {
        let Step { work, parallel, .. } = &self.plan.steps[layer];
        let parallel = *parallel;
        match work {
            Work::Embed { table, output } => {
                let (rgb, row) = (self.image.rgb(), 3 * output.map.edge);
                self.make_codes(*output, parallel, |rows, out| {
                    table.embed(&rgb[rows.start * row..rows.end * row], output.map, out);
                });
            }
            Work::PixelConv { conv, thresholds, output } => {
                let (kernels, rgb) = (self.kernels, self.image.rgb());
                self.make_codes(*output, parallel, |rows, out| {
                    kernels.pixels_to_codes(&pixel_rows(conv, rgb, rows), thresholds, output.map, out);
                });
            }
            Work::FloatConv { conv, output } => {
                let (kernels, rgb) = (self.kernels, self.image.rgb());
                self.make_codes(*output, parallel, |rows, out| {
                    kernels.floats_to_codes(&float_rows(conv, rgb, rows), &conv.thresholds, output.map, out);
                });
            }
            Work::Conv { input, conv, thresholds: ConvThresholds::OnePass(thresholds), output } => {
                let (kernels, arena) = (self.kernels, &mut *self.arena);
                let mut out = std::mem::take(&mut arena.codes[output.slot]);
                let conv = pass_of(conv, 0, *input, &arena.codes[input.slot]);
                output.map.clear_ends(&mut out);
                let pool = parallel.then_some(&mut *self.pool);
                kernels.to_codes(pool, &conv, thresholds, output.map, output.map.inner(&mut out));
                arena.codes[output.slot] = out;
            }
            Work::Conv { input, conv, thresholds: ConvThresholds::AllPasses(thresholds), output } => {
                self.sum_up(conv, *input, parallel);
                let (kernels, arena) = (self.kernels, &mut *self.arena);
                let row = thresholds.flips.len() * conv.width;
                let sums = &arena.wide;
                write_codes(self.pool, *output, parallel, &mut arena.codes[output.slot], |rows, out| {
                    kernels.quantize_wide(&sums[rows.start * row..rows.end * row], thresholds, output.map, out);
                });
            }
            Work::Residual { input, conv, add, activated: None } => self.add_residual(conv, *input, *add, parallel),
            Work::Residual { input, conv, add, activated: Some((thresholds, output)) } => {
                self.add_and_activate(conv, *input, *add, (thresholds, *output), parallel);
            }
            Work::Activated { .. } => {}
            Work::Activation { thresholds, output } => self.activate(thresholds, *output, parallel),
            Work::Classify { input, classifier } => {
                let arena = &mut *self.arena;
                classifier.classify(input.map, &arena.codes[input.slot], &mut arena.classes);
            }
        }
    }

    fn make_codes(&mut self, output: CodeSlot, parallel: bool, work: impl Fn(Range<usize>, &mut [u8]) + Sync) {
        write_codes(self.pool, output, parallel, &mut self.arena.codes[output.slot], work);
    }

    /// Sums of a convolution → `wide`.
    fn sum_up(&mut self, conv: &PackedConv, input: CodeSlot, parallel: bool) {
        let (kernels, arena) = (self.kernels, &mut *self.arena);
        let lanes = conv.passes[0].packed.offsets.len();
        let (from, sums) = (&arena.codes[input.slot], &mut arena.wide[..conv.width * conv.width * lanes]);
        for (pass, part) in conv.passes.iter().enumerate() {
            let pool = parallel.then_some(&mut *self.pool);
            kernels.to_wide(pool, &pass_of(conv, pass, input, from), (&part.packed.offsets, pass > 0, sums));
        }
    }

    fn add_residual(&mut self, conv: &PackedConv, input: CodeSlot, add: bool, parallel: bool) {
        let (kernels, arena) = (self.kernels, &mut *self.arena);
        let count = conv.width * conv.width * conv.passes[0].packed.offsets.len();
        let from = &arena.codes[input.slot];
        for (pass, part) in conv.passes.iter().enumerate() {
            let (offsets, add) = (&part.packed.offsets, add || pass > 0);
            let conv = pass_of(conv, pass, input, from);
            let pool = parallel.then_some(&mut *self.pool);
            match &mut arena.trunk {
                TrunkSums::Narrow(trunk) => kernels.to_narrow(pool, &conv, (offsets, add, &mut trunk[..count])),
                TrunkSums::Wide(trunk) => kernels.to_wide(pool, &conv, (offsets, add, &mut trunk[..count])),
            }
        }
    }

    /// Adds a convolution to the trunk, and makes the codes of the activation behind it.
    pub(super) fn add_and_activate(
        &mut self,
        conv: &PackedConv,
        input: CodeSlot,
        add: bool,
        (thresholds, output): (&LaneThresholds<i16>, CodeSlot),
        parallel: bool,
    ) {
        let (kernels, arena) = (self.kernels, &mut *self.arena);
        let TrunkSums::Narrow(trunk) = &mut arena.trunk else { unreachable!("the plan fuses with a trunk of 16 bits") };
        let offsets = &conv.passes[0].packed.offsets;
        let trunk = &mut trunk[..conv.width * conv.width * offsets.len()];
        let mut out = std::mem::take(&mut arena.codes[output.slot]);
        let conv = pass_of(conv, 0, input, &arena.codes[input.slot]);
        output.map.clear_ends(&mut out);
        let pool = parallel.then_some(&mut *self.pool);
        let rows = output.map.inner(&mut out);
        kernels.to_narrow_and_codes(pool, &conv, (offsets, add, trunk), thresholds, output.map, rows);
        arena.codes[output.slot] = out;
    }

    fn activate(&mut self, thresholds: &TrunkThresholds, output: CodeSlot, parallel: bool) {
        let (kernels, arena) = (self.kernels, &mut *self.arena);
        let out = &mut arena.codes[output.slot];
        match (&arena.trunk, thresholds) {
            (TrunkSums::Narrow(trunk), TrunkThresholds::Narrow(thresholds)) => {
                let row = thresholds.flips.len() * output.map.edge;
                write_codes(self.pool, output, parallel, out, |rows, out| {
                    kernels.quantize_narrow(&trunk[rows.start * row..rows.end * row], thresholds, output.map, out);
                });
            }
            (TrunkSums::Wide(trunk), TrunkThresholds::Wide(thresholds)) => {
                let row = thresholds.flips.len() * output.map.edge;
                write_codes(self.pool, output, parallel, out, |rows, out| {
                    kernels.quantize_wide(&trunk[rows.start * row..rows.end * row], thresholds, output.map, out);
                });
            }
            _ => unreachable!("the plan makes the thresholds as wide as the trunk"),
        }
    }

    /// Shows the probe what it wants of a layer that has just run.
    pub(super) fn show(&mut self, layer: usize, wants: Wants, room: &mut ProbeRoom, probe: &mut dyn Probe) {
        if wants.sums {
            self.show_sums(layer, room, probe);
        }
        let Some(output) = self.plan.steps[layer].work.output() else { return };
        let LayerShape { channels, edge, .. } = self.plan.shapes[layer];
        let packed = &self.arena.codes[output.slot];
        if wants.codes {
            let codes = &mut room.codes[..channels * edge * edge];
            unpack::codes(self.kernels.packing(), output.map, packed, channels, codes);
            probe.codes(layer, codes);
        }
        if wants.histogram {
            probe.histogram(layer, unpack::histogram(output.map, packed, channels));
        }
    }

    fn show_sums(&mut self, layer: usize, room: &mut ProbeRoom, probe: &mut dyn Probe) {
        let shape = self.plan.shapes[layer];
        let area = shape.edge * shape.edge;
        let packing = self.kernels.packing();
        match &self.plan.steps[layer].work {
            Work::Embed { .. } => {}
            Work::FloatConv { conv, .. } => {
                let lanes = &mut room.float_lanes;
                self.kernels.floats_to_sums(&float_rows(conv, self.image.rgb(), 0..conv.width), lanes);
                // Not −sum: a sum of 0 has no sign.
                let turned_back = |channel: usize, sum: f32| if conv.turned[channel] { 0.0 - sum } else { sum };
                unpack::sums(packing, lanes, &mut room.floats, area, turned_back);
                probe.sums(layer, Sums::Floats(&room.floats));
            }
            Work::Conv { input, conv, .. } => {
                // The kernel compared them in registers: make them once more.
                self.sum_up(conv, *input, self.plan.steps[layer].parallel);
                let sums = &self.arena.wide[..area * conv.passes[0].packed.offsets.len()];
                let out = &mut room.sums[..shape.channels * area];
                unpack::sums(packing, sums, out, area, |channel, sum| if conv.turned[channel] { -sum } else { sum });
                probe.sums(layer, Sums::Integers(out));
            }
            Work::PixelConv { conv, .. } => {
                let sums = &mut self.arena.wide[..area * conv.offsets.len()];
                self.kernels.pixels_to_wide(&pixel_rows(conv, self.image.rgb(), 0..conv.width), &conv.offsets, sums);
                let out = &mut room.sums[..shape.channels * area];
                unpack::sums(packing, sums, out, area, |channel, sum| if conv.turned[channel] { -sum } else { sum });
                probe.sums(layer, Sums::Integers(out));
            }
            Work::Residual { .. } | Work::Activation { .. } | Work::Activated { .. } => {
                let out = &mut room.sums[..shape.channels * area];
                let lanes = area * packing.blocks(shape.channels) * packing.lanes;
                match &self.arena.trunk {
                    TrunkSums::Narrow(trunk) => {
                        unpack::sums(packing, &trunk[..lanes], out, area, |_, sum| i32::from(sum));
                    }
                    TrunkSums::Wide(trunk) => unpack::sums(packing, &trunk[..lanes], out, area, |_, sum| sum),
                }
                probe.sums(layer, Sums::Integers(out));
            }
            Work::Classify { .. } => {
                let out = &mut room.sums[..self.arena.classes.sums.len()];
                for (out, &sum) in out.iter_mut().zip(&self.arena.classes.sums) {
                    *out = i32::try_from(sum).unwrap_or(i32::MAX);
                }
                probe.sums(layer, Sums::Integers(out));
            }
        }
    }
}

/// All rows and output channels of a pass.
fn pass_of<'a>(conv: &'a PackedConv, pass: usize, input: CodeSlot, from: &'a [u8]) -> Conv<'a> {
    let pass = &conv.passes[pass];
    Conv {
        input: from,
        map: input.map,
        kernel: conv.kernel,
        stride: conv.stride,
        width: conv.width,
        rows: 0..conv.width,
        taps: &pass.taps,
        all_blocks: conv.blocks,
        blocks: 0..conv.blocks,
        weights: &pass.packed.weights,
        along: pass.packed.along(),
    }
}

fn float_rows<'a>(conv: &'a PackedFloatConv, rgb: &'a [u8], rows: Range<usize>) -> FloatRows<'a> {
    let PackedFloatConv { kernel, stride, width, blocks, .. } = *conv;
    let over = PictureRows { edge: width * stride, kernel, stride, width, rows, blocks };
    FloatRows { over, rgb, values: &conv.values, weights: &conv.weights }
}

fn pixel_rows<'a>(conv: &'a PackedPixelConv, rgb: &'a [u8], rows: Range<usize>) -> PixelRows<'a> {
    let PackedPixelConv { kernel, stride, width, blocks, .. } = *conv;
    let over = PictureRows { edge: width * stride, kernel, stride, width, rows, blocks };
    PixelRows { over, rgb, rows: &conv.rows, sums: &conv.sums }
}

/// Has `work` write the rows of a map of codes, border included.
fn write_codes(
    pool: &mut Pool,
    output: CodeSlot,
    parallel: bool,
    buffer: &mut [u8],
    work: impl Fn(Range<usize>, &mut [u8]) + Sync,
) {
    output.map.clear_ends(buffer);
    in_bands(pool, parallel, output.map.inner(buffer), output.map.edge, work);
}

/// Has `work` write all `rows` of `values`, in a band a thread.
fn in_bands(
    pool: &mut Pool,
    parallel: bool,
    values: &mut [u8],
    rows: usize,
    work: impl Fn(Range<usize>, &mut [u8]) + Sync,
) {
    let count = if parallel { pool.threads().min(rows) } else { 1 };
    if count == 1 {
        work(0..rows, values);
        return;
    }
    let row = values.len() / rows;
    let mut rest = values;
    let mut bands: [(Range<usize>, &mut [u8]); MAX_THREADS] = std::array::from_fn(|_| (0..0, &mut [][..]));
    for (i, band) in bands[..count].iter_mut().enumerate() {
        let (start, end) = (rows * i / count, rows * (i + 1) / count);
        let (values, behind) = rest.split_at_mut((end - start) * row);
        *band = (start..end, values);
        rest = behind;
    }
    pool.run(&mut bands[..count], |(rows, values)| work(rows.clone(), values));
}
