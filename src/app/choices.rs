//! What can be chosen, in the order in which lists show it and keys walk it.

use super::model::Model;
use super::place;
use crate::board::BoardState;
use crate::engine::EngineKind;
use crate::engine::cpu::{self, Level};
use crate::engines::EngineChoice;
use crate::fpga::BoardChoice;
use crate::network::ModelChoice;
use crate::network::published::SHAPES;
use crate::network::shipped::SHIPPED;
use crate::source::{DEFAULT_SEED, SourceChoice, SourceState};

/// A line of a list.
pub(crate) struct Choice<T> {
    /// What is chosen by it.
    pub value: T,
    /// As shown.
    pub says: String,
    /// Whether it is chosen now.
    pub chosen: bool,
}

/// The demo, the first camera that works, every camera.
pub(crate) fn sources(model: &Model) -> Vec<Choice<Option<SourceChoice>>> {
    let demo = SourceChoice::Demo { seed: DEFAULT_SEED };
    let mut list = vec![(Some(demo), "demo cards".to_owned()), (None, "first camera that works".to_owned())];
    let camera = |info: &crate::source::CameraInfo| {
        (Some(SourceChoice::Camera { index: Some(info.index) }), format!("camera {}: {}", info.index, info.name))
    };
    list.extend(model.cameras.iter().map(camera));
    list.into_iter().map(|(value, says)| Choice { chosen: value == model.source.choice, value, says }).collect()
}

/// What the source is called.
pub(crate) fn source_name(model: &Model) -> String {
    match &model.source.state {
        SourceState::Fallback { .. } => "demo (no camera)".into(),
        _ => match &model.source.choice {
            Some(SourceChoice::Demo { seed: DEFAULT_SEED }) => "demo cards".into(),
            Some(SourceChoice::Demo { seed }) => format!("demo {seed}"),
            Some(SourceChoice::Camera { index: Some(index) }) => format!("camera {index}"),
            Some(SourceChoice::Camera { index: None }) | None => "camera".into(),
            Some(SourceChoice::File(path)) => {
                path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
            }
        },
    }
}

/// The networks inside the binary, and random ones of the published shapes.
pub(crate) fn networks(model: &Model) -> (Vec<Choice<ModelChoice>>, Vec<Choice<ModelChoice>>) {
    let choice = |value: ModelChoice| {
        let says = value.to_string();
        Choice { chosen: value == model.settings.model, says, value }
    };
    let shipped = SHIPPED.iter().map(|shipped| {
        let mut line = choice(ModelChoice::Shipped(shipped.name));
        if shipped.bytes().is_none() {
            line.says.push_str(": not loaded yet");
        }
        line
    });
    let random = SHAPES.map(|shape| {
        let mut line = choice(ModelChoice::Random { shape, float_input: false, seed: 1 });
        line.says = shape.name().into();
        line
    });
    (shipped.collect(), random.into())
}

/// What the network is called.
pub(crate) fn network_name(model: &Model) -> String {
    match (&model.report, &model.settings.model) {
        (Some(report), _) => report.network.name().into(),
        (None, ModelChoice::File(path)) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        (None, choice) => choice.to_string(),
    }
}

/// Input edges: the network's own, its half, double and fourfold, where the strides allow.
pub(crate) fn edges(model: &Model) -> Vec<Choice<Option<usize>>> {
    let Some(report) = &model.report else { return Vec::new() };
    let own = report.network.edge();
    let sizes = [own / 2, own, own * 2, own * 4].into_iter().filter(|&edge| report.network.check_edge(edge).is_ok());
    let choice = |edge: usize| {
        let value = (edge != own).then_some(edge);
        Choice { value, says: format!("{edge}"), chosen: edge == report.edge }
    };
    sizes.map(choice).collect()
}

/// The best level, every level that this processor has, plain loops, boards.
pub(crate) fn engines(model: &Model) -> Vec<Choice<EngineChoice>> {
    let levels = Level::ALL.into_iter().filter(|level| level.is_available()).rev();
    let mut list = vec![(EngineChoice::Cpu(None), "cpu: the best level for the network".to_owned())];
    list.extend(levels.map(|level| (EngineChoice::Cpu(Some(level)), format!("cpu:{level}"))));
    list.push((EngineChoice::Reference, "reference: plain loops".into()));
    if place::has_boards() {
        list.push((EngineChoice::Fpga(BoardChoice::First), "fpga: the first board found".into()));
        list.extend(model.ports.iter().map(|port| {
            let says = format!("fpga:{}: {}", port.path, port.name);
            (EngineChoice::Fpga(BoardChoice::Port(port.path.clone())), says)
        }));
    }
    if !place::ASKS_FOR_PORTS {
        list.push((EngineChoice::Fpga(BoardChoice::Simulated), "fpga:sim: a simulated board".into()));
    }
    let chosen = &model.settings.engine;
    list.into_iter().map(|(value, says)| Choice { chosen: value == *chosen, value, says }).collect()
}

/// What the engine is called, with its threads, or how it stands with a board that it should be.
pub(crate) fn engine_name(model: &Model) -> String {
    let Some(report) = &model.report else { return model.settings.engine.to_string() };
    let name = &report.engine.name;
    match &report.engine.board {
        Some(BoardState::Absent { .. }) => format!("no board · {name}"),
        Some(BoardState::Lost { .. }) => format!("board lost · {name}"),
        Some(BoardState::Connecting { .. } | BoardState::Uploading { .. }) => format!("board starts · {name}"),
        Some(BoardState::Ready { .. }) | None => match report.engine.threads {
            0 => name.clone(),
            1 => format!("{name} · 1 thread"),
            threads => format!("{name} · {threads} threads"),
        },
    }
}

/// One thread to as many as there are cores.
pub(crate) fn threads(model: &Model) -> Vec<Choice<usize>> {
    let running = running_threads(model);
    (1..=cores()).map(|value| Choice { value, says: value.to_string(), chosen: value == running }).collect()
}

/// As many threads as this machine runs at a time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Why the number of threads makes no difference to what runs now; `None` where it does.
pub(crate) fn fixed_threads(model: &Model) -> Option<String> {
    let report = model.report.as_ref()?;
    let (engine, network) = (&report.engine, &report.network);
    let on_board = report.timing.board.is_some();
    match engine.kind {
        _ if on_board => Some("The board computes; threads of this machine make no difference to it.".into()),
        EngineKind::Reference => Some("The reference engine always computes with one thread.".into()),
        _ if !cpu::gains_by_threads(network, report.edge) => {
            let name = network.name();
            Some(format!(
                "{name} is so small that one thread computes it fastest; more would only wait for each other."
            ))
        }
        _ => None,
    }
}

/// The number of threads after `step` more, or why that makes no difference.
pub(crate) fn more_threads(model: &Model, step: isize) -> Result<usize, String> {
    if let Some(why) = fixed_threads(model) {
        return Err(why);
    }
    let (now, most) = (model.settings.threads, cores());
    if step > 0 && now >= most {
        return Err(match most {
            1 => "This machine runs one thread at a time, and that one computes.".into(),
            _ => format!("All {most} threads that this machine runs at a time compute already."),
        });
    }
    if step < 0 && now <= 1 {
        return Err("One thread computes already; it cannot be fewer.".into());
    }
    Ok(now.saturating_add_signed(step).clamp(1, most))
}

/// Threads that compute now.
pub(crate) fn running_threads(model: &Model) -> usize {
    model.report.as_ref().map_or(1, |report| report.engine.threads)
}

/// The value behind the chosen one, from the start again behind the last.
pub(crate) fn next<T>(list: Vec<Choice<T>>) -> Option<T> {
    let at = list.iter().position(|choice| choice.chosen).map_or(0, |at| (at + 1) % list.len());
    list.into_iter().nth(at).map(|choice| choice.value)
}
