//! An explanation as a table.

use super::explanation::Explanation;
use std::io::{self, Write};

/// The name of the picture, where a term reads it.
pub(crate) const INPUT: &str = "input";

/// Writes every term as a line `layer,channel,y,x,code,weight,contribution` under a line of these words. `layer` is the one that is
/// read, `input` the picture.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_csv(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "layer,channel,y,x,code,weight,contribution")?;
    let layers = explanation.network().layers();
    explanation.terms().try_for_each(|term| {
        let layer = term.layer.map_or(INPUT.into(), |layer| quoted(&layers[layer].name));
        let contribution = term.contribution();
        writeln!(out, "{layer},{},{},{},{},{},{contribution}", term.channel, term.y, term.x, term.code, term.weight)
    })
}

/// In quotes where commas or quotes would be taken for the table's own (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}
