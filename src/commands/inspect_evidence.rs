//! `ernscope inspect --evidence`: where a picture speaks for a class, and where against it.

use super::output;
use crate::engine::{Engine, Outcome};
use crate::frame::InputImage;
use crate::inspect::evidence::{ClassifierInput, EvidenceMap, NoEvidence};
use crate::inspect::overlay;
use crate::network::Network;
use anyhow::{Result, anyhow, ensure};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// What stands for the likeliest class.
const LIKELIEST: &str = "-";
/// How many labels an error names.
const NAMED: usize = 8;

#[derive(Serialize)]
struct EvidenceOutput<'a> {
    label: &'a str,
    edge: [usize; 2],
    cells: Vec<&'a [i32]>,
    scale: f32,
    logit: f32,
}

/// Prints the map of the class that bears `label`, and writes it to the picture file `png`.
pub(super) fn run(
    engine: &mut dyn Engine,
    input: &InputImage,
    label: &str,
    json: bool,
    png: Option<&Path>,
) -> Result<()> {
    let network = engine.network().clone();
    let asked = if label == LIKELIEST { None } else { Some(class(&network, label)?) };
    ensure!(engine.shows(network.classifier().0).codes, NoEvidence);
    let mut codes = ClassifierInput::new(&network);
    let likeliest = engine.run_probed(input, &mut codes).map(|outcome: Outcome<'_>| outcome.class())?;
    let mut map = EvidenceMap::default();
    map.read(&network, codes.codes(), asked.unwrap_or(likeliest))?;
    if let Some(path) = png {
        overlay::write_evidence(input, &map, path)?;
    }
    let mut out = output::stdout();
    if json {
        let EvidenceMap { class, edge, scale, logit, ref cells, .. } = map;
        let label = &network.labels()[class];
        let cells = cells.chunks(edge).collect();
        let document = EvidenceOutput { label, edge: [edge; 2], cells, scale, logit };
        writeln!(out, "{}", serde_json::to_string(&document)?)?;
        return Ok(());
    }
    print_text(&mut out, &network, &engine.info().name, &map)
}

/// The class of a label; letter case is ignored where no other label has that name.
fn class(network: &Network, label: &str) -> Result<usize> {
    let labels = network.labels();
    let small = label.to_lowercase();
    let alike = || labels.iter().enumerate().filter(|(_, own)| own.to_lowercase() == small).map(|(class, _)| class);
    let only = || Some(alike()).filter(|alike| alike.clone().count() == 1)?.next();
    labels.iter().position(|own| own == label).or_else(only).ok_or_else(|| unknown(network, label))
}

/// Names labels that have something in common with what was asked for, or the first ones.
fn unknown(network: &Network, label: &str) -> anyhow::Error {
    let labels = network.labels();
    let small = label.to_lowercase();
    let is_near = |own: &&String| {
        let own = own.to_lowercase();
        !small.is_empty() && (own.contains(&small) || small.contains(&own))
    };
    let mut named: Vec<String> = labels.iter().filter(is_near).take(NAMED).map(|own| format!("`{own}`")).collect();
    if named.is_empty() {
        named = labels.iter().take(NAMED).map(|own| format!("`{own}`")).collect();
    }
    let (name, count, named) = (network.name(), labels.len(), named.join(", "));
    anyhow!("`{label}` is none of the {count} labels of {name}: name one of them, as {named}, or - for the likeliest")
}

fn print_text(out: &mut impl Write, network: &Network, engine: &str, map: &EvidenceMap) -> Result<()> {
    let EvidenceMap { class, row, edge, scale, logit, cells } = map;
    let (name, label, positions) = (network.name(), &network.labels()[*class], cells.len());
    writeln!(out, "{name} on {engine}: {label}")?;
    let sum: i64 = cells.iter().map(|&cell| i64::from(cell)).sum();
    writeln!(out, "logit {logit:.4} = {scale} × {sum} ÷ {positions}")?;
    if network.classifier().1.readout().owners().iter().filter(|owner| **owner == Some(*class)).count() > 1 {
        writeln!(out, "of row {row} of the classifier, the largest of this class")?;
    }
    let against = if *scale < 0.0 { "above" } else { "below" };
    writeln!(out, "cells, whose sum it is; those {against} 0 speak against:")?;
    let width = cells.iter().map(|cell| cell.to_string().len()).max().unwrap_or(0) + 2;
    for line in cells.chunks(*edge) {
        line.iter().try_for_each(|cell| write!(out, "{cell:>width$}"))?;
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::shipped::Shipped;

    #[test]
    fn labels_are_found_or_some_are_named() {
        let network = Shipped::named("cifar100").expect("shipped").load().expect("sound");
        assert_eq!(network.labels()[class(&network, "Maple_Tree").unwrap()], "maple_tree");
        let refused = |label: &str| class(&network, label).unwrap_err().to_string();
        let told = refused("tree");
        assert!(
            told.starts_with("`tree` is none of the 100 labels of cifar100: name one of them, as `maple_tree`, `oak_")
        );
        assert!(refused("").contains("as `apple`, ") && refused("").ends_with(", or - for the likeliest"));
    }

    #[test]
    fn letter_case_counts_where_two_labels_differ_by_it() {
        let mut parts = Shipped::named("cards").expect("shipped").load().expect("sound").into_parts();
        (parts.labels[3], parts.labels[5]) = ("Key".into(), "key".into());
        let network = Network::new(parts).unwrap();
        assert_eq!([class(&network, "Key").unwrap(), class(&network, "key").unwrap()], [3, 5]);
        assert!(class(&network, "KEY").is_err());
    }
}
