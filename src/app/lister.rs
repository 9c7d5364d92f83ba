//! Lists of what the machine has, like its cameras: asked of the system on a thread of their own, never on the window's.

use crate::host::threads;
use crossbeam_channel::{Receiver, bounded};
use std::sync::Arc;
use web_time::{Duration, Instant};

/// Least time between the start of one search and of the next.
const PACE: Duration = Duration::from_secs(2);

/// Looks for things of one kind; at most one search runs at a time.
pub(crate) struct Lister<T> {
    name: &'static str,
    list: Arc<dyn Fn() -> Vec<T> + Send + Sync>,
    found: Option<Receiver<Vec<T>>>,
    asked: Option<Instant>,
}

impl<T: Send + 'static> Lister<T> {
    /// `list` is what takes a while; the thread that runs it is called `name`.
    pub(crate) fn new(name: &'static str, list: impl Fn() -> Vec<T> + Send + Sync + 'static) -> Self {
        Self { name, list: Arc::new(list), found: None, asked: None }
    }

    /// Searches anew and calls `wake` when that is done; does nothing while a search runs or soon after one began.
    pub(crate) fn ask(&mut self, wake: impl FnOnce() + Send + 'static) {
        if self.found.is_some() || self.asked.is_some_and(|asked| asked.elapsed() < PACE) {
            return;
        }
        self.asked = Some(Instant::now());
        let (sender, found) = bounded(1);
        let list = self.list.clone();
        let started = threads::spawn(self.name, move || {
            // The window may be gone by now.
            let _ = sender.send(list());
            wake();
        });
        // Without a thread the list stays as it is.
        self.found = started.ok().map(|_| found);
    }

    /// What a search found, once.
    pub(crate) fn news(&mut self) -> Option<Vec<T>> {
        let found = self.found.as_ref()?;
        let news = match found.try_recv() {
            Err(crossbeam_channel::TryRecvError::Empty) => return None,
            // Else the search panicked: the list stays as it is.
            news => news.ok(),
        };
        self.found = None;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::thread::{self, ThreadId};

    /// The system is never asked on the window's thread, however often that paints, and not again and again.
    #[test]
    fn a_search_is_made_on_another_thread_and_not_again_soon() {
        let threads: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
        let searching = threads.clone();
        let mut ports = Lister::new("ports", move || {
            searching.lock().expect("whole").push(thread::current().id());
            vec![7]
        });
        let (mut news, start) = (Vec::new(), Instant::now());
        while news.is_empty() || start.elapsed() < PACE / 2 {
            ports.ask(|| ());
            news.extend(ports.news());
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(news[0], [7]);
        let threads = threads.lock().expect("whole");
        assert!(!threads.contains(&thread::current().id()));
        // At most one in every pace, however often it was asked for.
        assert!(threads.len() as u32 <= 1 + (start.elapsed().as_millis() / PACE.as_millis()) as u32, "{threads:?}");
    }
}
