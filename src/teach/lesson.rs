//! What was shown of each class; follows every frame.

use super::bank::{self, LayerBank, Scenes};
use super::cutout::Cutout;
use super::eyes::{Eyes, Features, Samples, TeachError};
use super::kept::Kept;
use super::moments::Moments;
use super::recipe::{self, Evidence};
use super::taught::{self, Making};
use super::validate::{Held, Validation};
use super::vary::{Dice, to_image, to_input, vary};
use super::vectors;
use crate::frame::InputImage;
use crate::network::{NOTHING, Network};
use image::RgbImage;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Most classes of a lesson.
pub(crate) const MOST_CLASSES: usize = 64;
/// Most frames of a lesson.
const MOST_FRAMES: usize = 10_000;
/// Most samples that are kept, of 3 × 512 bytes or so each; what is more, the oldest copies give way.
const MOST_SAMPLES: usize = 40_000;
/// Most letters of a name.
const LONGEST_NAME: usize = 60;
/// Copies of a frame whose thing cannot be cut out.
const COPIES: usize = 3;
/// Copies of a frame whose thing can: of the whole frame, of the thing before painted scenes, and before the empty place.
const THING_COPIES: [usize; 3] = [2, 2, 4];
/// Copies of a frame of the empty place, and painted scenes beside it: other places are empty too.
const PLACE_COPIES: [usize; 2] = [2, 6];
/// The newest frames of the empty place that things are cut out by.
const PLACES: usize = 12;

/// A frame that was shown.
pub(crate) struct TaughtFrame {
    /// No other frame of the lesson has it.
    pub(crate) id: u64,
    /// The square that the network sees; `None` of a frame that came from a taught network's file, which keeps none.
    pub(crate) square: Option<Arc<InputImage>>,
    samples: Arc<Samples>,
}

/// A class that is taught.
pub(crate) struct TaughtClass {
    /// Its name.
    pub(crate) name: String,
    /// Its frames, the oldest first.
    pub(crate) frames: Vec<TaughtFrame>,
    moments: Vec<Moments>,
}

/// Classes that are taught, and what was shown of them.
pub(crate) struct Lesson {
    eyes: Eyes,
    bank: Arc<Vec<LayerBank>>,
    kept: Option<Arc<Kept>>,
    scenes: Scenes,
    classes: Vec<TaughtClass>,
    dice: Dice,
    samples: usize,
    next_id: u64,
    validation: Option<Validation>,
}

impl Lesson {
    /// A lesson for the eyes of `base`; `seed` names the copies' variety. With `keeps` the base's classes stay beside the new ones.
    ///
    /// # Errors
    /// [`TeachError::Engine`], where the network does not run.
    pub(crate) fn new(base: Arc<Network>, keeps: bool, seed: u64) -> Result<Self, TeachError> {
        let former = if keeps { None } else { vectors::of_taught(&base) };
        // Of the frames of a taught network only what its classifier's layer saw is known.
        let mut eyes = if former.is_some() { Eyes::of_last(base)? } else { Eyes::new(base)? };
        let mut scenes = Scenes::new(eyes.network().edge());
        let bank = Arc::new(bank::of(&mut eyes, &mut scenes)?);
        let kept = keeps.then(|| Kept::of(&mut eyes, &bank)).transpose()?.map(Arc::new);
        let dice = Dice::new(seed);
        let (classes, validation) = (Vec::new(), None);
        let mut lesson = Self { eyes, bank, kept, scenes, classes, dice, samples: 0, next_id: 0, validation };
        for (name, frames) in former.into_iter().flatten() {
            let class = lesson.add_class(&name)?;
            lesson.recall(class, frames);
        }
        Ok(lesson)
    }

    /// Takes over the classes of another taught network; frames of a class that both have come together.
    ///
    /// # Errors
    /// [`TeachError::Name`], where it was not taught, or has other eyes than this lesson: what the ones saw means nothing to the others.
    pub(crate) fn merge(&mut self, other: &Network) -> Result<(), TeachError> {
        let refuse = |what: &str| TeachError::Name(format!("{} {what}", other.name()));
        let classes = vectors::of_taught(other).ok_or_else(|| refuse("was not taught: choose a taught network"))?;
        let layer = other.classifier().0;
        let reads_the_same = self.eyes.layers() == [layer] && bank::has_same_eyes(self.base(), other, layer);
        if !reads_the_same {
            return Err(refuse("was taught with other eyes: teach both on the same layer of one network"));
        }
        for (name, frames) in classes {
            let there = self.classes.iter().position(|class| class.name == name);
            let class = there.map_or_else(|| self.add_class(&name), Ok)?;
            self.recall(class, frames);
        }
        self.make_room();
        Ok(())
    }

    /// Keeps frames of which no more is known than what the eyes saw.
    fn recall(&mut self, class: usize, frames: Vec<Features>) {
        for features in frames {
            self.keep_frame(class, None, vec![vec![features]]);
        }
    }

    /// The network whose eyes see.
    pub(crate) fn base(&self) -> &Arc<Network> {
        self.eyes.network()
    }

    /// The classes, in the order in which they came.
    pub(crate) fn classes(&self) -> &[TaughtClass] {
        &self.classes
    }

    /// The layer that is learned from.
    pub(crate) fn layer_name(&self) -> &str {
        let network = self.eyes.network();
        &network.layers()[self.eyes.layers()[self.layer()]].name
    }

    /// The layers that may serve, by their places among those that the eyes read: classes that stay read the last one; where the empty
    /// place is taught, other places must not matter; else held-out frames tell.
    fn candidates(&self) -> Vec<usize> {
        let last = self.eyes.layers().len() - 1;
        if self.kept.is_some() {
            return vec![last];
        }
        if self.has_place() {
            return vec![self.eyes.placeless()];
        }
        (0..=last).step_by(last.max(1)).collect()
    }

    /// The layer that is learned from, one of these.
    fn layer(&self) -> usize {
        let candidates = self.candidates();
        let chosen = self.validation.as_ref().map(|validation| validation.layer);
        chosen.filter(|layer| candidates.contains(layer)).unwrap_or(candidates[0])
    }

    /// Another class; its place.
    ///
    /// # Errors
    /// [`TeachError::Name`], [`TeachError::TooManyClasses`].
    pub(crate) fn add_class(&mut self, name: &str) -> Result<usize, TeachError> {
        if self.classes.len() == MOST_CLASSES {
            return Err(TeachError::TooManyClasses);
        }
        let name = self.check_name(name, None)?;
        let width = |layer: &usize| self.base().shapes(self.base().edge())[*layer].channels;
        let moments = self.eyes.layers().iter().map(|layer| Moments::new(width(layer))).collect();
        self.classes.push(TaughtClass { name, frames: Vec::new(), moments });
        self.validation = None;
        Ok(self.classes.len() - 1)
    }

    /// Gives a class another name.
    ///
    /// # Errors
    /// [`TeachError::Name`].
    #[cfg(feature = "app")]
    pub(crate) fn rename(&mut self, class: usize, name: &str) -> Result<(), TeachError> {
        let name = self.check_name(name, Some(class))?;
        if let Some(class) = self.classes.get_mut(class) {
            class.name = name;
        }
        Ok(())
    }

    /// The name as it is kept.
    fn check_name(&self, name: &str, own: Option<usize>) -> Result<String, TeachError> {
        let refuse = |what: String| Err(TeachError::Name(what));
        let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return refuse("a class needs a name: type one".into());
        }
        if name.chars().count() > LONGEST_NAME {
            return refuse(format!("the name has more than {LONGEST_NAME} letters: take a shorter one"));
        }
        if name.contains(char::is_control) {
            return refuse("the name has control characters: take letters".into());
        }
        let alike = |other: &str| other.to_lowercase() == name.to_lowercase();
        let taken = self.classes.iter().enumerate().any(|(at, class)| Some(at) != own && alike(&class.name));
        let stays = self.kept.is_some() && self.base().labels().iter().any(|label| alike(label));
        if taken || stays {
            return refuse(format!("there is a class `{name}` already: take another name"));
        }
        Ok(name)
    }

    /// Takes a class out, with all its frames.
    #[cfg(feature = "app")]
    pub(crate) fn remove_class(&mut self, class: usize) {
        if class < self.classes.len() {
            let gone = self.classes.remove(class);
            self.samples -= gone.frames.iter().map(|frame| frame.samples.len()).sum::<usize>();
            self.validation = None;
        }
    }

    /// Takes a frame of a class: the square that the network sees. Its number, which no other frame has.
    ///
    /// # Errors
    /// [`TeachError::Picture`], where the square has another size than the network's.
    pub(crate) fn add_frame(&mut self, class: usize, square: Arc<InputImage>) -> Result<u64, TeachError> {
        if self.classes.iter().map(|class| class.frames.len()).sum::<usize>() >= MOST_FRAMES {
            return Err(TeachError::TooManyFrames(MOST_FRAMES));
        }
        let pictures = self.copies(class, &square)?;
        let mut samples = vec![self.eyes.look(&square)?];
        for picture in pictures {
            samples.push(self.eyes.look(&to_input(picture)?)?);
        }
        let id = self.keep_frame(class, Some(square), samples);
        self.make_room();
        Ok(id)
    }

    fn keep_frame(&mut self, class: usize, square: Option<Arc<InputImage>>, samples: Vec<Vec<Features>>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.samples += samples.len();
        let class = &mut self.classes[class];
        for sample in &samples {
            class.moments.iter_mut().zip(sample).for_each(|(moments, features)| moments.add(features));
        }
        class.frames.push(TaughtFrame { id, square, samples: samples.into() });
        id
    }

    /// The oldest frames' copies give way where there are too many samples.
    fn make_room(&mut self) {
        while self.samples > MOST_SAMPLES {
            let with_copies = |class: &TaughtClass| class.frames.iter().position(|frame| frame.samples.len() > 1);
            let oldest = self.classes.iter().enumerate().filter_map(|(at, class)| Some((at, with_copies(class)?)));
            let Some((class, frame)) = oldest.min_by_key(|&(class, frame)| self.classes[class].frames[frame].id) else {
                return;
            };
            let TaughtClass { frames, moments, .. } = &mut self.classes[class];
            let samples = frames[frame].samples.clone();
            self.samples -= samples.len() - 1;
            for copy in &samples[1..] {
                moments.iter_mut().zip(copy).for_each(|(moments, features)| moments.remove(features));
            }
            frames[frame].samples = samples[..1].into();
        }
    }

    /// Takes the frame with this number out again.
    #[cfg(feature = "app")]
    pub(crate) fn remove_frame(&mut self, id: u64) {
        for class in &mut self.classes {
            let Some(at) = class.frames.iter().position(|frame| frame.id == id) else { continue };
            let frame = class.frames.remove(at);
            self.samples -= frame.samples.len();
            for sample in frame.samples.iter() {
                class.moments.iter_mut().zip(sample).for_each(|(moments, features)| moments.remove(features));
            }
        }
    }

    /// Varied copies of a frame of a class.
    fn copies(&mut self, class: usize, square: &InputImage) -> Result<Vec<RgbImage>, TeachError> {
        let frame = to_image(square);
        let whole = |count: usize, dice: &mut Dice| (0..count).map(|_| vary(&frame, dice)).collect::<Vec<_>>();
        if self.classes[class].name == NOTHING {
            let [copies, scenes] = PLACE_COPIES;
            let mut pictures = whole(copies, &mut self.dice);
            for _ in 0..scenes {
                pictures.push(self.scenes.image(self.dice.seed())?);
            }
            return Ok(pictures);
        }
        let places = self.places();
        let Some(thing) = Cutout::of(&frame, &places) else { return Ok(whole(COPIES, &mut self.dice)) };
        let [copies, scenes, moved] = THING_COPIES;
        let mut pictures = whole(copies, &mut self.dice);
        for _ in 0..scenes {
            let scene = self.scenes.image(self.dice.seed())?;
            pictures.push(thing.before(&scene, &mut self.dice));
        }
        for _ in 0..moved {
            let place = &places[self.dice.below(places.len())];
            pictures.push(thing.before(place, &mut self.dice));
        }
        Ok(pictures)
    }

    /// Pictures of the empty place, where it is taught.
    fn places(&self) -> Vec<RgbImage> {
        let place = self.classes.iter().find(|class| class.name == NOTHING);
        let squares =
            place.into_iter().flat_map(|place| place.frames.iter().rev()).filter_map(|frame| frame.square.as_deref());
        squares.take(PLACES).map(to_image).collect()
    }

    /// What was shown, to be asked about by a thread of its own.
    pub(crate) fn held(&self) -> Held {
        let of = |class: &TaughtClass| class.frames.iter().map(|frame| frame.samples.clone()).collect();
        Held {
            classes: self.shown().map(of).collect(),
            bank: self.bank.clone(),
            kept: self.kept.clone(),
            layers: self.candidates(),
            has_place: self.has_place(),
        }
    }

    /// The classes with frames: the others are named, and nothing more.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &TaughtClass> {
        self.classes.iter().filter(|class| !class.frames.is_empty())
    }

    fn has_place(&self) -> bool {
        self.shown().any(|class| class.name == NOTHING)
    }

    /// Takes what was found about these classes; whether it was about these. Of other classes than there are now, it says nothing.
    pub(crate) fn set_validation(&mut self, validation: Validation) -> bool {
        let fits = validation.classes == self.shown().count();
        if fits {
            self.validation = Some(validation);
        }
        fits
    }

    /// What was found last about these classes.
    pub(crate) fn validation(&self) -> Option<&Validation> {
        self.validation.as_ref()
    }

    /// A network that was learned, with what its file is to tell of the lesson.
    ///
    /// # Errors
    /// None is expected: the network was well formed before.
    pub(crate) fn described(&self, learned: Network) -> Result<Network, TeachError> {
        let mut parts = learned.into_parts();
        parts.training.insert(vectors::TAUGHT.into(), self.provenance());
        Ok(Network::new(parts)?)
    }

    /// The network of all that was shown so far.
    ///
    /// # Errors
    /// [`TeachError::TooFewClasses`], [`TeachError::Alike`].
    pub(crate) fn learn(&self) -> Result<Network, TeachError> {
        let shown: Vec<&TaughtClass> = self.shown().collect();
        self.check_enough(&shown)?;
        let layer = self.layer();
        let bank = &self.bank[layer];
        let evidence = Evidence {
            classes: shown.iter().map(|class| &class.moments[layer]).collect(),
            against: self.kept.as_ref().map(|kept| &kept.moments),
            others: Some(&bank.moments),
            prior: bank.prior.as_ref().filter(|_| self.has_place()),
        };
        let filters = recipe::learn(&evidence)?;
        let making = Making {
            base: self.base(),
            layer: self.eyes.layers()[layer],
            names: shown.iter().map(|class| class.name.clone()).collect(),
            validation: self.validation.as_ref(),
            keeps: self.kept.is_some(),
        };
        taught::make(making, &filters)
    }

    fn check_enough(&self, shown: &[&TaughtClass]) -> Result<(), TeachError> {
        let needed = if self.kept.is_some() { 1 } else { 2 };
        if shown.len() >= needed {
            return if is_one_frame(shown) { Err(TeachError::Alike) } else { Ok(()) };
        }
        let said = match shown {
            [] => "nothing was shown yet".to_owned(),
            [only, ..] => format!("only `{}` was shown", only.name),
        };
        Err(TeachError::TooFewClasses(said))
    }

    /// What the file tells of the lesson: base, layer, frames, and for teaching on what the layer saw in each.
    fn provenance(&self) -> Value {
        let layer = self.layer();
        let seen = |class: &TaughtClass| -> Vec<String> {
            class.frames.iter().map(|frame| vectors::spell(&frame.samples[0][layer])).collect()
        };
        let each = |tell: &dyn Fn(&TaughtClass) -> Value| -> Map<String, Value> {
            self.shown().map(|class| (class.name.clone(), tell(class))).collect()
        };
        let now = web_time::SystemTime::now().duration_since(web_time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        json!({
            "base": self.base().name().trim_end_matches(taught::ENDING),
            "layer": self.layer_name(),
            "keeps_classes": self.kept.is_some(),
            "unix_seconds": now,
            "program": env!("ERNSCOPE_VERSION"),
            "frames": each(&|class| json!(class.frames.len())),
            "cross_validated": self.validation.as_ref().map(Validation::accuracy),
            "vectors": each(&|class| json!(seen(class))),
        })
    }
}

/// Whether all frames of all classes, more than one, are the same to the eyes: their copies would be told apart by chance alone.
fn is_one_frame(shown: &[&TaughtClass]) -> bool {
    let mut frames = shown.iter().flat_map(|class| &class.frames).map(|frame| &frame.samples[0]);
    let first = frames.next();
    shown.len() > 1 && frames.all(|frame| Some(frame) == first)
}
