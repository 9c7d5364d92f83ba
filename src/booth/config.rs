//! `booth.toml`: what the people of a booth decide. Every key has a default, and what is wrong is told with its line.

use crate::engines::EngineChoice;
use crate::host::files;
use crate::network::ModelChoice;
use crate::pipeline::MOST_THREADS;
use crate::source::SourceChoice;
use crate::text::one_line;
use image::{ImageReader, RgbaImage};
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use std::fmt::Display;
use std::fs::Metadata;
use std::io::{BufReader, ErrorKind, Read};
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;
use web_time::Duration;

/// No honest file is larger.
const MOST_BYTES: u64 = 64 << 10;
/// The longest title or line, in characters: what a stage has room for.
const LONGEST_TEXT: usize = 120;
/// The largest logo: as wide as the largest stage.
const LOGO_EDGE: u32 = 4096;
/// Bytes that a logo may take while it is decoded: its pixels, and a decoder's own.
const LOGO_BYTES: u64 = 128 << 20;

/// All of it, as it is in force.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BoothConfig {
    /// Stands on the stage.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// Stands below the title.
    #[serde(deserialize_with = "text")]
    pub line: String,
    /// A picture beside the title.
    pub logo: Option<PathBuf>,
    /// Of all words on the stage.
    pub language: BoothLanguage,
    /// Of the stage.
    pub theme: BoothTheme,
    /// Where frames come from; `None` is a camera, or else the demo.
    #[serde(deserialize_with = "choice")]
    pub source: Option<SourceChoice>,
    /// Which network.
    #[serde(deserialize_with = "choice")]
    pub model: Option<ModelChoice>,
    /// Which engine.
    #[serde(deserialize_with = "choice")]
    pub engine: Option<EngineChoice>,
    /// Threads that compute.
    #[serde(deserialize_with = "threads")]
    pub threads: Option<usize>,
    /// When the stage does what by itself.
    pub play: PlayConfig,
    /// What keys may do.
    pub keys: KeysConfig,
    /// When the stage is started anew.
    pub supervision: SupervisionConfig,
    /// Where the log is.
    pub log: LogConfig,
    /// What becomes of what the camera sees.
    pub privacy: PrivacyConfig,
}

impl Default for BoothConfig {
    fn default() -> Self {
        Self {
            title: "Ernscope".into(),
            line: String::new(),
            logo: None,
            language: BoothLanguage::default(),
            theme: BoothTheme::default(),
            source: None,
            model: None,
            engine: None,
            threads: None,
            play: PlayConfig::default(),
            keys: KeysConfig::default(),
            supervision: SupervisionConfig::default(),
            log: LogConfig::default(),
            privacy: PrivacyConfig::default(),
        }
    }
}

/// The language of the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum BoothLanguage {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "ja")]
    Japanese,
    #[serde(rename = "de")]
    German,
}

/// The colours of the stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BoothTheme {
    #[default]
    Dark,
    Light,
}

/// `[play]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PlayConfig {
    /// Without a card or motion for so long, the stage explains itself.
    #[serde(rename = "attract_after_s", deserialize_with = "seconds")]
    pub attract_after: Duration,
    /// Without motion for so long, the stage asks whether anybody is there.
    #[serde(rename = "reset_after_s", deserialize_with = "seconds")]
    pub reset_after: Duration,
    /// Asked, one has so long to move.
    #[serde(rename = "countdown_s", deserialize_with = "seconds")]
    pub countdown: Duration,
}

impl Default for PlayConfig {
    fn default() -> Self {
        let [attract_after, reset_after, countdown] = [20, 60, 10].map(Duration::from_secs);
        Self { attract_after, reset_after, countdown }
    }
}

/// `[keys]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeysConfig {
    /// What keys may do; nothing else.
    pub allowed: Vec<BoothKey>,
    /// What must be held to leave.
    #[serde(deserialize_with = "parsed")]
    pub leave: Chord,
}

/// What a key may do on the stage, by its name in the file. The keys are those of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BoothKey {
    /// Space holds the picture, and lets it go on.
    Pause,
    /// V shows cameras mirrored, or not.
    Mirror,
    /// C has the twin run along, or not.
    Comparison,
    /// T changes between dark and light.
    Theme,
}

/// Keys that are held together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chord {
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
    /// A letter, a digit, `F1` to `F12`, or `Escape`.
    pub key: String,
}

impl Default for Chord {
    fn default() -> Self {
        Self { ctrl: true, alt: false, shift: true, key: "Q".into() }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut chord = Self { ctrl: false, alt: false, shift: false, key: String::new() };
        let (held, key) = text.rsplit_once('+').unwrap_or(("", text));
        for name in held.split('+') {
            match name.trim().to_ascii_lowercase().as_str() {
                "ctrl" => chord.ctrl = true,
                "alt" => chord.alt = true,
                "shift" => chord.shift = true,
                _ => return Err(no_chord(text)),
            }
        }
        chord.key = key_name(key.trim()).filter(|_| chord.ctrl || chord.alt).ok_or_else(|| no_chord(text))?;
        Ok(chord)
    }
}

fn no_chord(text: &str) -> String {
    format!(
        "{text:?} is no chord: Ctrl or Alt, with Shift or without, and a letter, digit, F1 to F12 or Escape, as in \"Ctrl+Shift+Q\""
    )
}

fn key_name(text: &str) -> Option<String> {
    let name = text.to_ascii_uppercase();
    let function_key = || name.strip_prefix('F')?.parse::<u8>().ok().filter(|number| (1..=12).contains(number));
    match name.as_bytes() {
        [letter] if letter.is_ascii_alphanumeric() => Some(name),
        b"ESCAPE" => Some("Escape".into()),
        _ => function_key().map(|number| format!("F{number}")),
    }
}

/// `[supervision]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SupervisionConfig {
    /// A stage that takes more memory is started anew.
    #[serde(deserialize_with = "memory_mb")]
    pub most_memory_mb: u64,
}

impl Default for SupervisionConfig {
    fn default() -> Self {
        Self { most_memory_mb: 1500 }
    }
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// Where the files are; `None` is among what the booth remembers.
    pub folder: Option<PathBuf>,
    /// How large all files together may become.
    #[serde(deserialize_with = "log_mb")]
    pub most_mb: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { folder: None, most_mb: 20 }
    }
}

/// `[privacy]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PrivacyConfig {
    /// Whether the status page shows the camera's picture; the stage says so then.
    pub picture_on_status_page: bool,
    /// Whether it is counted which cards are shown on which day.
    pub counts: bool,
}

impl Default for PrivacyConfig {
    fn default() -> Self {
        Self { picture_on_status_page: false, counts: true }
    }
}

fn text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        return Err(D::Error::custom(format!("one line of at most {LONGEST_TEXT} characters is expected")));
    }
    Ok(text)
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(input: D) -> Result<T, D::Error> {
    String::deserialize(input)?.parse().map_err(D::Error::custom)
}

fn choice<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(input: D) -> Result<Option<T>, D::Error> {
    parsed(input).map(Some)
}

fn within<'de, D: Deserializer<'de>>(input: D, range: RangeInclusive<u64>, what: &str) -> Result<u64, D::Error> {
    let number = i64::deserialize(input)?;
    let fits = u64::try_from(number).ok().filter(|number| range.contains(number));
    let expected = format!("{what} from {} to {}", range.start(), range.end());
    fits.ok_or_else(|| D::Error::invalid_value(Unexpected::Signed(number), &expected.as_str()))
}

fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    within(input, 1..=86_400, "seconds").map(Duration::from_secs)
}

fn memory_mb<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    within(input, 200..=1_000_000, "MB")
}

fn log_mb<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    within(input, 1..=20, "MB")
}

fn threads<'de, D: Deserializer<'de>>(input: D) -> Result<Option<usize>, D::Error> {
    within(input, 1..=MOST_THREADS as u64, "threads").map(|count| Some(count as usize))
}

/// What is wrong with `booth.toml`, in one line.
#[derive(Debug, Error)]
#[error("{} {what}", file.display())]
pub(crate) struct ConfigError {
    file: PathBuf,
    what: String,
}

impl ConfigError {
    fn unreadable(file: &Path, why: &dyn Display) -> Self {
        let what = format!(
            "cannot be read ({}): let it be a file that this account can read, or leave it out",
            one_line(&why.to_string())
        );
        Self { file: file.to_owned(), what }
    }

    /// Of the text at this place.
    fn at(file: &Path, text: &str, place: Option<usize>, why: &str) -> Self {
        let (line, key) = place.map_or((None, None), |place| line_and_key(text, place));
        let line = line.map_or_else(String::new, |line| format!("line {line}, "));
        let key = key.map_or_else(String::new, |key| format!("{}: ", one_line(key)));
        Self { file: file.to_owned(), what: format!("{line}{key}{}; correct it, or take the line out", one_line(why)) }
    }
}

/// The number of the line at a place, and the key that stands there or on the nearest line above, as in a list of many lines.
fn line_and_key(text: &str, place: usize) -> (Option<usize>, Option<&str>) {
    let before = text.get(..place).unwrap_or(text);
    let number = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let key = |line: &'_ str| -> Option<usize> { line.split('#').next()?.find('=') };
    let upwards = text.lines().take(number).collect::<Vec<_>>().into_iter().rev();
    let key = upwards.take_while(|line| !line.starts_with('[')).find_map(|line| Some(line[..key(line)?].trim()));
    (Some(number), key)
}

impl BoothConfig {
    /// Reads the text of the file: paths in it begin at the file's folder.
    ///
    /// # Errors
    /// [`ConfigError`], where anything in it makes no sense.
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let parsed: Result<Self, toml::de::Error> = toml::from_str(text);
        let mut config = parsed
            .map_err(|error| ConfigError::at(file, text, error.span().map(|span| span.start), error.message()))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let paths = [config.logo.as_mut(), config.log.folder.as_mut()].into_iter().flatten();
        let source = config.source.as_mut().and_then(|source| match source {
            SourceChoice::File(path) => Some(path),
            _ => None,
        });
        let model = config.model.as_mut().and_then(|model| match model {
            ModelChoice::File(path) => Some(path),
            _ => None,
        });
        for path in paths.chain(source).chain(model) {
            *path = folder.join(&*path);
        }
        if let Some(logo) = &config.logo {
            let place = text.lines().position(|line| line.trim_start().starts_with("logo")).unwrap_or_default();
            let place = text.split_inclusive('\n').take(place).map(str::len).sum();
            check_logo(logo).map_err(|why| ConfigError::at(file, text, Some(place), &why))?;
        }
        Ok(config)
    }
}

fn logo_reader(path: &Path) -> Result<ImageReader<BufReader<files::File>>, String> {
    let unread = |why: &dyn Display| format!("{} cannot be read ({why})", path.display());
    let file = files::open(path).map_err(|error| unread(&error))?;
    ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|error| unread(&error))
}

/// What of a logo can be told by its header.
fn check_logo(path: &Path) -> Result<(), String> {
    let (width, height) = logo_reader(path)?
        .into_dimensions()
        .map_err(|error| format!("{} is no PNG, JPEG, WebP or BMP that can be read ({error})", path.display()))?;
    if width > LOGO_EDGE || height > LOGO_EDGE {
        return Err(format!("{} has {width}×{height} pixels, a logo has at most {LOGO_EDGE} an edge", path.display()));
    }
    Ok(())
}

/// Decodes a logo.
///
/// # Errors
/// A sentence, where it cannot be read or is too large.
pub(crate) fn read_logo(path: &Path) -> Result<RgbaImage, String> {
    let mut reader = logo_reader(path)?;
    let mut limits = image::Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(LOGO_EDGE), Some(LOGO_EDGE));
    limits.max_alloc = Some(LOGO_BYTES);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| format!("{} cannot be read ({error})", path.display()));
    decoded.map(image::DynamicImage::into_rgba8)
}

/// What tells whether a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp([i64; 6]);

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        let (inode, length) = (metadata.ino().cast_signed(), metadata.len().cast_signed());
        let (mtime, ctime) = ([metadata.mtime(), metadata.mtime_nsec()], [metadata.ctime(), metadata.ctime_nsec()]);
        Self([inode, length, mtime[0], mtime[1], ctime[0], ctime[1]])
    }
}

/// The configuration in force, and the file that may change it.
#[derive(Debug)]
pub(crate) struct WatchedConfig {
    /// The file, whether it is there or not; `None` where the user has no home.
    file: Option<PathBuf>,
    seen: Option<FileStamp>,
    text: String,
    config: BoothConfig,
}

impl WatchedConfig {
    /// Reads the file that is named, or else `booth.toml` among the settings, where there is one.
    ///
    /// # Errors
    /// [`ConfigError`], where it cannot be read, or a named one is not there.
    pub(crate) fn open(named: Option<&Path>) -> Result<Self, ConfigError> {
        let usual = || files::settings().map(|settings| settings.with_file_name("booth.toml"));
        let file = named.map(|named| std::path::absolute(named).unwrap_or(named.to_owned())).or_else(usual);
        let mut watched = Self { file, seen: None, text: String::new(), config: BoothConfig::default() };
        match (watched.poll(), named) {
            (Some(Err(error)), _) => Err(error),
            (None, Some(named)) => Err(ConfigError {
                file: named.to_owned(),
                what: "is not there: name a file that is, or leave --config out".into(),
            }),
            _ => Ok(watched),
        }
    }

    /// Whether another version is in force now; `None` where nothing changed. A file that is gone leaves its last version in force.
    pub(crate) fn poll(&mut self) -> Option<Result<(), ConfigError>> {
        let file = self.file.clone()?;
        let stamp = match std::fs::metadata(&file) {
            Ok(metadata) => FileStamp::of(&metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(_) => FileStamp([0; 6]),
        };
        if self.seen == Some(stamp) {
            return None;
        }
        self.seen = Some(stamp);
        Some(self.read(&file))
    }

    fn read(&mut self, file: &Path) -> Result<(), ConfigError> {
        let opened = files::open(file).map_err(|error| ConfigError::unreadable(file, &error))?;
        let mut text = String::new();
        let length = opened.take(MOST_BYTES + 1).read_to_string(&mut text);
        let length = length.map_err(|error| ConfigError::unreadable(file, &error))?;
        if length as u64 > MOST_BYTES {
            return Err(ConfigError::unreadable(file, &format!("it is larger than {} KiB", MOST_BYTES >> 10)));
        }
        self.config = BoothConfig::parse(file, &text)?;
        self.text = text;
        Ok(())
    }

    pub(crate) fn config(&self) -> &BoothConfig {
        &self.config
    }

    /// The file and the text that are in force; no text where there is no file.
    pub(crate) fn in_force(&self) -> (Option<&Path>, &str) {
        (self.file.as_deref(), &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn error_of(text: &str) -> String {
        BoothConfig::parse(Path::new("/etc/booth.toml"), text).expect_err("refused").to_string()
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = BoothConfig::parse(Path::new("booth.toml"), "").expect("a configuration");
        assert_eq!(config, BoothConfig::default());
        assert_eq!((config.play.attract_after.as_secs(), config.supervision.most_memory_mb), (20, 1500));
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            title = "見る"
            line = "One bit is enough"
            language = "ja"
            theme = "light"
            source = "demo:7"
            model = "nets/mine.safetensors"
            engine = "cpu:scalar"
            threads = 3
            [play]
            attract_after_s = 5
            reset_after_s = 30
            countdown_s = 7
            [keys]
            allowed = ["pause", "theme"]
            leave = "ctrl + alt + f12"
            [supervision]
            most_memory_mb = 800
            [log]
            folder = "logs"
            most_mb = 5
            [privacy]
            picture_on_status_page = true
            counts = false
        "#;
        let config = BoothConfig::parse(Path::new("/etc/booth/booth.toml"), text).expect("a configuration");
        assert_eq!((config.title.as_str(), config.line.as_str()), ("見る", "One bit is enough"));
        assert_eq!((config.language, config.theme), (BoothLanguage::Japanese, BoothTheme::Light));
        assert_eq!(config.source, Some(SourceChoice::Demo { seed: 7 }));
        assert_eq!(config.model, Some(ModelChoice::File("/etc/booth/nets/mine.safetensors".into())));
        assert_eq!((config.engine, config.threads), ("cpu:scalar".parse().ok(), Some(3)));
        let play = [config.play.attract_after, config.play.reset_after, config.play.countdown];
        assert_eq!(play, [5, 30, 7].map(Duration::from_secs));
        assert_eq!(config.keys.allowed, [BoothKey::Pause, BoothKey::Theme]);
        assert_eq!(config.keys.leave, Chord { ctrl: true, alt: true, shift: false, key: "F12".into() });
        assert_eq!(config.supervision.most_memory_mb, 800);
        assert_eq!((config.log.folder, config.log.most_mb), (Some("/etc/booth/logs".into()), 5));
        assert_eq!(config.privacy, PrivacyConfig { picture_on_status_page: true, counts: false });
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_key() {
        let cases = [
            ("titel = \"x\"", "line 1, titel: unknown field `titel`, expected one of `title`"),
            ("\n\nlanguage = \"fr\"", "line 3, language: unknown variant `fr`, expected one of `en`, `ja`, `de`"),
            ("[play]\nattract_after_s = \"soon\"", "line 2, attract_after_s: invalid type: string \"soon\""),
            (
                "[play]\ncountdown_s = 0",
                "line 2, countdown_s: invalid value: integer `0`, expected seconds from 1 to 86400",
            ),
            ("[supervision]\nmost_memory_mb = -1", "line 2, most_memory_mb: invalid value: integer `-1`"),
            ("[log]\nmost_mb = 9999999999999999999999", "line 2, most_mb: "),
            ("threads = 100000", "line 1, threads: invalid value: integer `100000`, expected threads from 1 to"),
            ("[keys]\nallowed = [\n  \"pause\",\n  \"fly\"\n]", "line 4, allowed: unknown variant `fly`"),
            ("[keys]\nleave = \"Q\"", "line 2, leave: \"Q\" is no chord"),
            ("engine = \"gpu\"", "line 1, engine: "),
            ("source = \"camera:x\"", "line 1, source: "),
            ("title = \"a\\nb\"", "line 1, title: one line of at most 120 characters"),
            ("title = ", "line 1, title: "),
            ("title = \"a\"\ntitle = \"b\"", "line 2, title: duplicate key"),
            ("[plays]", "line 1, unknown field `plays`"),
            ("keys = 3", "line 1, keys: invalid type"),
            ("logo = \"gone.png\"", "line 1, logo: /etc/gone.png cannot be read"),
        ];
        for (text, says) in cases {
            let error = error_of(text);
            assert!(error.starts_with(&format!("/etc/booth.toml {says}")), "{text:?}: {error}");
            assert!(!error.contains('\n') && error.ends_with("; correct it, or take the line out"), "{error}");
        }
    }

    #[test]
    fn deep_and_long_texts_are_refused_at_once() {
        for text in
            ["[".repeat(60_000), format!("title = {}", "[".repeat(60_000)), "a.".repeat(30_000), "\u{0}".repeat(60_000)]
        {
            assert!(error_of(&text).len() < 70_000);
        }
    }

    #[test]
    fn logos_are_refused_by_their_header() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("booth.toml");
        let logo = folder.path().join("logo.png");
        let parse = || BoothConfig::parse(&file, "title = \"x\"\nlogo = \"logo.png\"");
        image::RgbaImage::new(40, 20).save(&logo).expect("written");
        let config = parse().expect("a configuration");
        assert_eq!(read_logo(&config.logo.expect("a logo")).expect("pixels").dimensions(), (40, 20));
        // A header alone: the size is what counts.
        let mut header = fs::read(&logo).expect("read");
        header[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        let crc = crc32fast::hash(&header[12..29]).to_be_bytes();
        header[29..33].copy_from_slice(&crc);
        fs::write(&logo, header).expect("written");
        let error = parse().expect_err("refused").to_string();
        assert!(error.contains("line 2, logo: ") && error.contains("30000×30000"), "{error}");
        assert!(read_logo(&logo).is_err());
        fs::write(&logo, "no picture").expect("written");
        assert!(parse().expect_err("refused").to_string().contains("is no PNG"));
    }

    #[test]
    fn a_change_is_taken_up_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("booth.toml");
        assert!(WatchedConfig::open(Some(&file)).expect_err("none").to_string().contains("is not there"));
        fs::write(&file, "title = \"one\"").expect("written");
        let mut watched = WatchedConfig::open(Some(&file)).expect("read");
        assert!(watched.config().title == "one" && watched.poll().is_none());
        fs::write(&file, "title = \"two\"").expect("written");
        assert!(matches!(watched.poll(), Some(Ok(()))));
        fs::write(&file, "title = three").expect("written");
        assert!(matches!(watched.poll(), Some(Err(_))));
        assert!(watched.poll().is_none(), "told once");
        assert_eq!((watched.config().title.as_str(), watched.in_force().1), ("two", "title = \"two\""));
        fs::remove_file(&file).expect("removed");
        assert!(watched.poll().is_none());
        fs::write(&file, vec![b' '; 70_000]).expect("written");
        assert!(watched.poll().is_some_and(|read| read.is_err_and(|error| error.to_string().contains("64 KiB"))));
        fs::write(&file, [0xff, 0xfe]).expect("written");
        assert!(matches!(watched.poll(), Some(Err(_))));
        fs::remove_file(&file).expect("removed");
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).expect("made");
        assert!(watched.poll().is_some_and(|read| read.is_err_and(|error| error.to_string().contains("a pipe"))));
        assert_eq!(watched.config().title, "two");
    }
}
