//! What the window remembers. `fuzz/` builds this file, and of the window no more than what is needed for it.

use crate::app::settings::parse;

/// The text of a file of settings.
pub(crate) fn settings(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok((remembered, _)) = parse(text) else { return };
    // It may be a file that is not there, but never a panic.
    let _ = remembered.source();
    let written = serde_json::to_string(&remembered).expect("what was read can be written");
    let (again, unread) = parse(&written).expect("what was written can be read");
    assert!(unread.is_empty(), "{unread:?}");
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let rewritten = serde_json::to_string(&again).expect("what was read can be written");
    assert_eq!(value(&rewritten), value(&written));
}
