//! The networks inside the program, and a network beside them: a copy of one of those must be the same in every bit, and any network
//! the same on every engine.

use super::engines::{REMEDY, here, threads, told};
use super::finding::{Finding, Tell};
use super::golden::{FILES, Fingerprint, pictures};
use crate::engines::{self, EngineChoice, Setup};
use crate::frame::InputImage;
use crate::network::shipped::SHIPPED;
use crate::network::{Layer, ModelChoice, Network, NetworkParts};
use anyhow::Result;
use std::sync::Arc;

/// Engines are compared at this many positions of the last map along each edge: of a large network that is a small picture.
const POSITIONS: usize = 2;

/// Whether the networks inside the program are the ones that were put there.
pub(super) fn check_inside(tell: Tell<'_>) {
    let is_whole = |(name, crc): &(&str, u32)| {
        let bytes = SHIPPED.iter().find(|shipped| shipped.name == *name).and_then(|shipped| shipped.bytes());
        bytes.is_none_or(|bytes| crc32fast::hash(bytes) == *crc)
    };
    let spoilt: Vec<&str> = FILES.iter().filter(|file| !is_whole(file)).map(|(name, _)| *name).collect();
    tell(if spoilt.is_empty() {
        Finding::well("networks", format!("the {} inside the program are whole", FILES.len()))
    } else {
        let says = format!("{} inside the program is not what was put there", spoilt.join(", "));
        Finding::fault(
            "networks",
            says,
            "install the program again; if it stays so, test this machine's memory and disk",
        )
    });
}

/// The network that was asked for.
pub(super) fn check(asked: Option<&ModelChoice>, tell: Tell<'_>) {
    let Some(choice) = asked else { return };
    let name = format!("model {choice}");
    let network = match choice.load() {
        Ok(network) => network,
        Err(error) => return tell(Finding::of_error(name, &error)),
    };
    let original = original(&network);
    if let Some((original, difference)) =
        original.as_ref().and_then(|original| Some((original, differs(&network, original)?)))
    {
        let shown = shown(network, original);
        let says = format!("it differs from `{}` inside the program: {difference}; {shown}", original.name());
        return tell(Finding::fault(name, says, "copy the file again, or name another network with --model"));
    }
    let kind = original
        .map_or("no copy of one inside the program".to_owned(), |original| format!("equal to `{}`", original.name()));
    tell(match agree(&Arc::new(network)) {
        Ok(Ok(says)) => Finding::well(name, format!("{kind}; {says}")),
        Ok(Err(says)) => Finding::fault(name, says, REMEDY),
        Err(error) => Finding::of_error(name, &format_args!("{error:#}")),
    });
}

/// The network inside the program that this one is a copy of: of the same name, or else of the same classes and layers.
fn original(network: &Network) -> Option<Network> {
    let inside = || SHIPPED.iter().filter_map(|shipped| shipped.load().ok());
    let names = |network: &Network| network.layers().iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
    let is_alike = |other: &Network| other.labels() == network.labels() && names(other) == names(network);
    inside().find(|other| other.name() == network.name()).or_else(|| inside().find(is_alike))
}

/// What first differs between a copy and its original, as far as it means anything to a prediction.
fn differs(copy: &Network, original: &Network) -> Option<String> {
    let [ours, theirs] = [copy, original].map(|network| network.clone().into_parts());
    let NetworkParts { name: _, family, edge, labels, layers, known, training: _ } = &ours;
    if layers.len() != theirs.layers.len() {
        return Some(format!("{} layers where {} are", layers.len(), theirs.layers.len()));
    }
    let layer = layers.iter().zip(&theirs.layers).find(|(ours, theirs)| ours != theirs);
    if let Some((ours, theirs)) = layer {
        return Some(layer_differs(ours, theirs));
    }
    let others = [
        ("other names of classes", *labels != theirs.labels),
        ("another input size", *edge != theirs.edge),
        ("another limit of what is known", *known != theirs.known),
        ("another family", *family != theirs.family),
    ];
    others.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what.to_owned())
}

/// What differs in a layer, of which there is no equal.
fn layer_differs(ours: &Layer, theirs: &Layer) -> String {
    let bits = |layer: &Layer| layer.op.binary_conv().map(|conv| (conv.geometry(), conv.bits().to_vec()));
    let turned = match (bits(ours), bits(theirs)) {
        (Some((geometry, ours)), Some((other, theirs))) if geometry == other => {
            ours.iter().zip(&theirs).map(|(a, b)| (a ^ b).count_ones()).sum()
        }
        _ => 0,
    };
    let name = &ours.name;
    match turned {
        0 => format!("something else in layer `{name}`"),
        1 => format!("another weight in layer `{name}`"),
        many => format!("{many} other weights in layer `{name}`"),
    }
}

/// Whether the difference shows on the test pictures.
fn shown(copy: Network, original: &Network) -> String {
    let edge = original.edge();
    if copy.check_edge(edge).is_err() || copy.layers().len() != original.layers().len() {
        return "its answers were not looked at".into();
    }
    let [copy, original] = [copy, original.clone()].map(Arc::new);
    let first = pictures(edge).iter().find_map(|picture| {
        let [ours, theirs] = [&copy, &original].map(|network| answer(&EngineChoice::Cpu(None), network, picture).ok());
        ours?.first_difference(&theirs?)
    });
    first.map_or("no test picture shows it".into(), |layer| {
        format!("test pictures show it from layer `{}` on", original.layers()[layer].name)
    })
}

/// Whether all engines hold the same on a small picture: what was looked at, or where they differ.
fn agree(network: &Arc<Network>) -> Result<Result<String, String>> {
    let edge = (network.multiple() * POSITIONS).min(network.edge());
    let [picture, ..] = pictures(edge);
    let right = answer(&EngineChoice::Reference, network, &picture)?;
    let mut engines = 1;
    for choice in here().skip(1) {
        let found = answer(&choice, network, &picture)?;
        if let Some(layer) = found.first_difference(&right) {
            return Ok(Err(format!("{choice} differs from the reference: {}", told(network, layer, 0))));
        }
        engines += 1;
    }
    Ok(Ok(format!("{engines} engines agree in {} layers at {edge}×{edge} pixels", right.seen())))
}

fn answer(choice: &EngineChoice, network: &Arc<Network>, picture: &InputImage) -> Result<Fingerprint> {
    let mut engine = engines::open(choice, Arc::clone(network), Setup::new(picture.edge(), threads()))?;
    Ok(Fingerprint::of(&mut *engine, picture)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::KnownScore;
    use crate::network::file;
    use crate::network::shipped::Shipped;

    fn bytes(name: &str) -> Vec<u8> {
        Shipped::named(name).and_then(Shipped::bytes).expect("inside").to_vec()
    }

    fn cards() -> Network {
        file::parse(&bytes("cards")).expect("ours")
    }

    #[test]
    fn a_copy_is_known_by_its_name_or_by_what_it_is() {
        let renamed = Network::new(NetworkParts { name: "mine".into(), ..cards().into_parts() }).expect("well formed");
        for network in [cards(), renamed] {
            let original = original(&network).expect("a copy");
            assert_eq!((original.name(), differs(&network, &original)), ("cards", None));
        }
        let mut parts = cards().into_parts();
        (parts.name, parts.labels[0]) = ("mine".into(), "else".into());
        assert!(original(&Network::new(parts).expect("well formed")).is_none());
    }

    /// Where a tensor's bytes are in a model file.
    fn tensor(file: &[u8], name: &str) -> std::ops::Range<usize> {
        let (length, rest) = file.split_first_chunk::<8>().expect("a header");
        let length = u64::from_le_bytes(*length) as usize;
        let header: serde_json::Value = serde_json::from_slice(&rest[..length]).expect("JSON");
        let at = |end: usize| 8 + length + header[name]["data_offsets"][end].as_u64().expect("a number") as usize;
        at(0)..at(1)
    }

    #[test]
    fn a_weight_bit_of_any_layer_is_found_where_it_is() {
        let original = cards();
        let mut altered = 0;
        for layer in original.layers().iter().filter(|layer| layer.op.binary_conv().is_some()) {
            let mut file = bytes("cards");
            let weights = tensor(&file, &format!("{}.weight", layer.name));
            for at in [weights.start, weights.end - 1] {
                file[at] ^= 1;
                let copy = file::parse(&file).expect("well formed");
                assert_eq!(differs(&copy, &original), Some(format!("another weight in layer `{}`", layer.name)));
                file[at] ^= 1;
                altered += 1;
            }
        }
        assert_eq!(altered, 2 * 18);
    }

    #[test]
    fn whatever_differs_in_a_copy_is_told() {
        let differs = |change: &dyn Fn(&mut NetworkParts)| {
            let mut parts = cards().into_parts();
            change(&mut parts);
            differs(&Network::new(parts).expect("well formed"), &cards()).expect("something differs")
        };
        let score = KnownScore { limit: 0.9, offset: 0.0, log_probability: 1.0, largest: 0.0, others: vec![] };
        assert_eq!(differs(&|parts| parts.labels.swap(0, 1)), "other names of classes");
        assert_eq!(differs(&|parts| parts.known = Some(score.clone())), "another limit of what is known");
        assert_eq!(differs(&|parts| parts.edge *= 2), "another input size");
        assert!(differs(&|parts| parts.layers[3].name.push('x')).contains("something else in layer"));
    }
}
