//! How figures and names are written, all in one place and in fixed width.

use crate::network::{Geometry, Layer, LayerShape, Op};

/// Milliseconds in three significant digits, at least five characters: ` 0.43`, ` 12.3`, `  812`.
pub(crate) fn ms(ms: f32) -> String {
    let digits = match ms {
        ms if ms < 9.995 => 2,
        ms if ms < 99.95 => 1,
        _ => 0,
    };
    format!("{ms:>5.digits$}")
}

/// A class's label as people write it: `sweet_pepper` is a sweet pepper.
pub(crate) fn label(label: &str) -> String {
    label.replace('_', " ")
}

/// A whole number with a gap between the thousands: `2 340`.
pub(crate) fn whole(number: f32) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Cycles in few characters: `812`, `9.2k`, `52k`, `1.3M`.
pub(crate) fn cycles(cycles: u64) -> String {
    match cycles {
        0..1_000 => format!("{cycles}"),
        1_000..9_950 => format!("{:.1}k", cycles as f32 / 1e3),
        9_950..999_500 => format!("{:.0}k", cycles as f32 / 1e3),
        _ => format!("{:.1}M", cycles as f32 / 1e6),
    }
}

/// A rate: whole above 10, with one decimal below.
pub(crate) fn rate(per_s: f32) -> String {
    if per_s < 9.95 { format!("{per_s:.1}") } else { whole(per_s) }
}

/// A fraction in percent, five digits wide: ` 97.1 %`.
pub(crate) fn percent(fraction: f32) -> String {
    format!("{:>5.1} %", fraction * 100.0)
}

/// Bytes: `214 kB`, `1.0 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f32;
    if bytes < 1e6 { format!("{:.0} kB", bytes / 1e3) } else { format!("{:.1} MB", bytes / 1e6) }
}

/// A layer's name without what all names share: `layer2.0.act1`.
pub(crate) fn layer_name(layer: &Layer) -> String {
    match (layer.name.as_str(), &layer.op) {
        (_, Op::Classifier { .. }) => "classifier".into(),
        (_, Op::PixelEmbedding(_)) => "embedding".into(),
        (name, _) => {
            let short = name.strip_prefix("backbone.").unwrap_or(name);
            short.replace("downsample", "down").replace("last_act_", "last.")
        }
    }
}

/// `64×16×16`, or the number of classes.
pub(crate) fn shape(shape: LayerShape) -> String {
    if shape.edge == 1 {
        format!("{}", shape.channels)
    } else {
        format!("{}×{}×{}", shape.channels, shape.edge, shape.edge)
    }
}

/// What a layer does, for a tile: `3×3 /2`, `3×3 +` where it adds to the trunk.
pub(crate) fn kind(op: &Op) -> String {
    let conv = |g: Geometry| {
        let stride = if g.stride > 1 { format!(" /{}", g.stride) } else { String::new() };
        format!("{}×{}{stride}", g.kernel, g.kernel)
    };
    match op {
        Op::PixelEmbedding(_) => "table".into(),
        Op::FloatConv(float) => format!("{} f32", conv(float.geometry())),
        Op::Conv { conv: binary, .. } => conv(binary.geometry()),
        Op::Residual { conv: binary, .. } => format!("{} +", conv(binary.geometry())),
        Op::Activation(_) => "act".into(),
        Op::Classifier { .. } => "1×1".into(),
    }
}

/// What a layer does, in words.
pub(crate) fn kind_in_words(op: &Op) -> String {
    let conv = |g: Geometry| format!("{}×{} stride {}", g.kernel, g.kernel, g.stride);
    match op {
        Op::PixelEmbedding(table) => format!("{} codes a colour from a table", table.depth()),
        Op::FloatConv(float) => format!("{} in floats", conv(float.geometry())),
        Op::Conv { conv: binary, .. } => conv(binary.geometry()),
        Op::Residual { conv: binary, .. } => format!("{}, to the trunk", conv(binary.geometry())),
        Op::Activation(_) => "codes of the trunk".into(),
        Op::Classifier { .. } => "1×1 and mean".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_their_width() {
        assert_eq!(
            [0.0, 0.434, 9.999, 12.34, 99.96, 812.4].map(ms),
            [" 0.00", " 0.43", " 10.0", " 12.3", "  100", "  812"]
        );
        assert_eq!([0.0, 999.0, 2340.4, 1_234_567.0].map(whole), ["0", "999", "2 340", "1 234 567"]);
        assert_eq!([812, 9236, 52_436, 999_600].map(cycles), ["812", "9.2k", "52k", "1.0M"]);
        assert_eq!([0.0, 0.971, 1.0].map(percent), ["  0.0 %", " 97.1 %", "100.0 %"]);
    }
}
