//! What the window itself remembers between frames, and what a panel can ask for.

use super::arrangement::Layout;
use super::histogram;
use super::model::Model;
use super::notices::{Toasts, Tone};
use super::teach_panel::TeachState;
use super::why::{Depth, WhyState};
use super::widgets::CachedTexture;
use crate::frame::Frame;
use crate::inspect::explain::Neuron;
use crate::network::{Network, Op};
use crate::pipeline::EngineCommand;
use crate::preprocess::WHOLE_SQUARE;
use crate::source::{SourceChoice, SourceState, SourceStatus};
use std::path::PathBuf;
use std::sync::Arc;

/// What a person asked for and the window alone cannot do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// For the pipeline.
    Send(EngineCommand),
    /// Another source; `None` is the first camera that works.
    Source(Option<SourceChoice>),
    /// Hold the source, or let it go on.
    Pause(bool),
    /// One frame, then hold.
    Step,
    /// The source's picture of this number.
    Seek(u64),
    /// The window as a picture.
    Screenshot,
    /// The figures as CSV and JSON.
    ExportFigures,
    /// The frame as a picture, and what every layer made of it.
    ExportFrame,
    /// Fill the screen, or not.
    Fullscreen(bool),
    /// Show the system's dialog for choosing something to open.
    Choose(DialogKind),
    /// Look for cameras.
    ListCameras,
    /// Look for ports with boards.
    ListPorts,
    /// Ask the person for a port, where no system lists them.
    AskForPort,
}

/// What became of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogAnswer {
    /// The person chose this.
    Chosen(PathBuf),
    /// The person chose the port with this path.
    Port(String),
    /// The person chose nothing.
    Dismissed,
    /// What the person chose cannot be had: why, in a sentence.
    Refused(String),
    /// There is no dialog here: why, in a sentence.
    Failed(String),
}

/// What is to be chosen in a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogKind {
    /// A picture, a video, a network.
    File,
    /// A folder of pictures.
    Folder,
}

/// The line in which a path is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedPath {
    /// What is typed so far.
    pub text: String,
    /// Why it must be typed, where the system's dialog failed.
    pub why: Option<String>,
}

/// Textures of the panels.
#[derive(Default)]
pub(crate) struct Textures {
    /// The live picture.
    pub(super) picture: CachedTexture,
    /// All channels of the watched layer.
    pub(super) mosaic: CachedTexture,
    /// One channel of it.
    pub(super) channel: CachedTexture,
    /// Where the watched layer differs from the held frame.
    pub(super) differences: CachedTexture,
    /// The table of a pixel embedding.
    pub(super) table: CachedTexture,
}

/// What stays between frames.
pub struct State {
    /// Where the panels stand.
    pub layout: Layout,
    /// The chosen layer.
    pub layer: usize,
    /// The chosen layer has just been chosen: bring its tile into view.
    pub follow_layer: bool,
    /// The channel shown large.
    pub channel: usize,
    /// Whether the histogram counts the chosen channel alone.
    pub one_channel: bool,
    /// Whether the twin runs along.
    pub compare: bool,
    /// Whether pictures of cameras are shown mirrored; the network never sees them so.
    pub mirror: bool,
    /// How much larger than the whole square is, in percent, the network is asked to see what it sees.
    pub zoom: u16,
    /// Whether the list of keys is open.
    pub help: bool,
    /// The path that is typed; `None` where that is closed.
    pub path: Option<TypedPath>,
    /// Dark, light, or as the system has it.
    pub theme: egui::ThemePreference,
    /// Whether the window fills the screen.
    pub fullscreen: bool,
    /// Messages.
    pub(crate) toasts: Toasts,
    /// Textures.
    pub(crate) textures: Textures,
    /// Teaching.
    pub(crate) teach: TeachState,
    /// Why a network answers as it does.
    pub(crate) why: WhyState,
    /// The counted sums of the watched layer.
    pub(super) histogram: histogram::Cache,
    /// What the wheel turned over the picture that is no whole step yet.
    pub(super) wheel: f32,
    /// The number of the last source that was a camera.
    camera: Option<u64>,
    network: Option<Arc<Network>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            layout: Layout::default(),
            layer: 0,
            follow_layer: false,
            channel: 0,
            one_channel: false,
            compare: true,
            mirror: true,
            zoom: WHOLE_SQUARE,
            help: false,
            path: None,
            theme: egui::ThemePreference::Dark,
            fullscreen: false,
            toasts: Toasts::default(),
            textures: Textures::default(),
            teach: TeachState::default(),
            why: WhyState::default(),
            histogram: histogram::Cache::default(),
            wheel: 0.0,
            camera: None,
            network: None,
        }
    }
}

impl State {
    /// Chooses a layer and has it watched.
    pub(crate) fn choose_layer(&mut self, layer: usize, actions: &mut Vec<Action>) {
        if layer != self.layer {
            self.channel = 0;
        }
        self.layer = layer;
        self.follow_layer = true;
        actions.push(Action::Send(EngineCommand::Watch(layer)));
    }

    /// Opens teaching, or closes it; beside it there is no room for another panel.
    pub(crate) fn turn_teaching(&mut self) {
        self.teach.open = !self.teach.open;
        self.why.open &= !self.teach.open;
    }

    /// Opens a depth, or closes it.
    pub(crate) fn turn_why(&mut self, depth: Depth) {
        self.why.turn(depth);
        self.teach.open &= !self.why.open;
    }

    /// Takes a value apart from now on.
    pub(crate) fn explain(&mut self, place: Neuron) {
        self.why.choose_place(place);
        self.teach.open = false;
    }

    /// Notes whether the source is a camera.
    pub(crate) fn meet_source(&mut self, source: &SourceStatus) {
        let may_be = matches!(source.choice, None | Some(SourceChoice::Camera { .. }));
        if may_be && !matches!(source.state, SourceState::Fallback { .. }) {
            self.camera = Some(source.source);
        }
    }

    /// Whether a frame is drawn mirrored: a camera's is, where that is wished. The demo stands in for a camera under the same number;
    /// its frames know what they show.
    pub(crate) fn is_mirrored(&self, frame: &Frame) -> bool {
        self.mirror && self.is_of_camera(frame)
    }

    fn is_of_camera(&self, frame: &Frame) -> bool {
        self.camera == Some(frame.source) && frame.truth.is_none()
    }

    /// Shows cameras mirrored, or no longer; says so where no camera is seen.
    pub(crate) fn turn_mirror(&mut self, model: &Model) {
        self.mirror = !self.mirror;
        if model.report.as_ref().is_none_or(|report| !self.is_of_camera(&report.frame)) {
            let how = if self.mirror { "mirrored, as in a mirror" } else { "as they are, not mirrored" };
            self.toasts
                .push(format!("Pictures of cameras are shown {how}; others are always as they are."), Tone::Hint);
        }
    }

    /// Another network: keeps the layer of the same name, else takes a telling one.
    pub(crate) fn meet(&mut self, network: &Arc<Network>, actions: &mut Vec<Action>) {
        if self.network.as_ref().is_some_and(|known| Arc::ptr_eq(known, network)) {
            return;
        }
        let layers = network.layers();
        // As one network becomes another while it is taught.
        let names = |network: &Network| network.layers().iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
        if self.network.as_ref().is_some_and(|known| names(known) == names(network)) {
            self.network = Some(network.clone());
            return;
        }
        let before = self.network.as_ref().and_then(|known| known.layers().get(self.layer)).map(|layer| &layer.name);
        let same = before.and_then(|name| layers.iter().position(|layer| layer.name == *name));
        let telling = || layers.iter().skip(1).position(|layer| matches!(layer.op, Op::Conv { .. })).map(|at| at + 1);
        let layer = same.or_else(telling).unwrap_or(0);
        self.network = Some(network.clone());
        self.choose_layer(layer, actions);
    }
}
