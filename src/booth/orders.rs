//! What the stage is told, on the pipe that it lives by: the configuration in force, a line of JSON whenever it changes. So a file
//! that is broken meanwhile never meets a stage that starts anew.

use super::config::{BoothConfig, WatchedConfig};
use super::lines::each_line;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use web_time::Duration;

/// A file of 64 KiB, each byte of it escaped, and some.
const LONGEST_ORDER: usize = 512 << 10;

#[derive(Serialize, Deserialize)]
struct BoothOrder {
    /// Whose folder paths begin at.
    file: PathBuf,
    text: String,
    /// Whether the stage opens the booth, and begins with the morning check.
    opening: bool,
}

/// The line that tells the stage what is in force, and at first whether it opens the booth.
pub(super) fn order(config: &WatchedConfig, opening: bool) -> String {
    let (file, text) = config.in_force();
    let file = file.unwrap_or("booth.toml".as_ref()).to_string_lossy();
    format!("{}\n", serde_json::json!({ "file": file, "text": text, "opening": opening }))
}

/// The stage's side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders(Arc<(Mutex<Told>, Condvar)>);

#[derive(Debug, Default)]
struct Told {
    config: Option<Arc<BoothConfig>>,
    opening: bool,
    over: bool,
}

impl Orders {
    /// Listens to `input` from now on.
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub(crate) fn listen(input: impl Read + Send + 'static) -> io::Result<Self> {
        let orders = Self::default();
        let theirs = orders.clone();
        thread::Builder::new().name("orders".into()).spawn(move || {
            each_line(input, LONGEST_ORDER, |line| theirs.take(line));
            theirs.tell(|told| told.over = true);
        })?;
        Ok(orders)
    }

    fn take(&self, line: &str) {
        let order = serde_json::from_str::<BoothOrder>(line).map_err(anyhow::Error::from);
        match order.and_then(|order| Ok((BoothConfig::parse(&order.file, &order.text)?, order.opening))) {
            Ok((config, opening)) => self.tell(|told| (told.config, told.opening) = (Some(Arc::new(config)), opening)),
            // As where a logo is gone since the supervisor looked at it.
            Err(error) => tracing::warn!("the stage keeps its configuration: {error}"),
        }
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.1.notify_all();
    }

    /// The configuration in force: another one, not a changed one, whenever it changes. Waits at most `patience` for the first; without
    /// any, the default is.
    pub(crate) fn config(&self, patience: Duration) -> Arc<BoothConfig> {
        let told = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |told: &mut Told| told.config.is_none() && !told.over;
        let waited = self.0.1.wait_timeout_while(told, patience, waits);
        let (mut told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        told.config.get_or_insert_default().clone()
    }

    /// Whether the stage opens the booth.
    pub(crate) fn is_opening(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).opening
    }

    /// Whether the supervisor is gone, and the stage has to end.
    pub(crate) fn is_over(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_stage_has_what_is_in_force_until_the_pipe_closes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("booth.toml");
        std::fs::write(&file, "title = \"one\"\n[log]\nfolder = \"logs\"").expect("written");
        let watched = WatchedConfig::open(Some(&file)).expect("read");
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let orders = Orders::listen(reader).expect("a thread");
        assert_eq!(orders.config(Duration::ZERO).title, "Ernscope");
        writer.write_all(b"garbage\n{\"file\": \"x\", \"text\": \"titel = 1\"}\n").expect("read");
        writer.write_all(order(&watched, true).as_bytes()).expect("read");
        drop(writer);
        while !orders.is_over() {
            thread::sleep(Duration::from_millis(1));
        }
        let config = orders.config(Duration::ZERO);
        assert_eq!((config.title.as_str(), config.log.folder.clone()), ("one", Some(folder.path().join("logs"))));
        assert!(orders.is_opening());
        assert!(Arc::ptr_eq(&config, &orders.config(Duration::ZERO)));
    }
}
