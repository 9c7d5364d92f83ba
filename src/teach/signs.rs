//! From weights in floats to signs: what a binary filter can do instead of a real one.

use nalgebra::DMatrix;

/// A filter of signs, and what all of it is multiplied by.
pub(super) struct Filter {
    /// +1 or −1 a feature.
    pub(super) signs: Vec<f32>,
    /// The scale.
    pub(super) scale: f32,
}

/// The filter b·s that answers most like `weights` do: it begins with their signs and turns one sign after the other as long as
/// (w − b·s)ᵀ A (w − b·s), the mean square by which answers differ, falls by it. `products` is A, symmetric.
pub(super) fn descend(weights: &[f32], products: &DMatrix<f32>) -> Filter {
    let width = weights.len();
    let mut signs: Vec<f32> = weights.iter().map(|weight| if *weight < 0.0 { -1.0 } else { 1.0 }).collect();
    let of_weights = multiply(products, weights);
    let mut of_signs = multiply(products, &signs);
    let mut scale = 0.0;
    // Every turn lowers the difference; the bound is for what rounding could make go round in circles.
    for _ in 0..4 * width {
        scale = best_scale(&signs, &of_weights, &of_signs);
        // Turning sign i changes the difference by 4·b·sᵢ·gᵢ + 4·b²·Aᵢᵢ, with g = A(w − b·s).
        let change = |i: usize| {
            let gradient = of_weights[i] - scale * of_signs[i];
            scale * signs[i] * gradient + scale * scale * products[(i, i)]
        };
        let (turned, least) = (0..width).map(|i| (i, change(i))).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
        if least >= -1e-7 * scale * scale {
            break;
        }
        let twice = 2.0 * signs[turned];
        of_signs.iter_mut().zip(products.column(turned).iter()).for_each(|(sum, product)| *sum -= twice * product);
        signs[turned] = -signs[turned];
    }
    Filter { signs, scale }
}

/// b = sᵀAw / sᵀAs.
fn best_scale(signs: &[f32], of_weights: &[f32], of_signs: &[f32]) -> f32 {
    let dot = |with: &[f32]| signs.iter().zip(with).map(|(sign, with)| sign * with).sum::<f32>();
    dot(of_weights) / dot(of_signs).max(f32::MIN_POSITIVE)
}

fn multiply(products: &DMatrix<f32>, with: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; with.len()];
    for (column, &factor) in products.column_iter().zip(with) {
        sums.iter_mut().zip(column.iter()).for_each(|(sum, product)| *sum += factor * product);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(weights: &[f32], filter: &Filter, products: &DMatrix<f32>) -> f32 {
        let rest: Vec<f32> = weights.iter().zip(&filter.signs).map(|(w, s)| w - filter.scale * s).collect();
        multiply(products, &rest).iter().zip(&rest).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn turning_signs_helps_until_no_more_turn_does() {
        let weights: Vec<f32> = (0..40).map(|i| ((i * 29 + 7) % 41) as f32 / 20.0 - 1.0).collect();
        // Features that come together, each with some variance of its own.
        let products = DMatrix::from_fn(40, 40, |i, j| if i == j { 2.0 } else { 1.0 + ((i + j) % 5) as f32 * 0.1 });
        let with = |signs: Vec<f32>| {
            let scale = best_scale(&signs, &multiply(&products, &weights), &multiply(&products, &signs));
            difference(&weights, &Filter { signs, scale }, &products)
        };
        let found = descend(&weights, &products);
        let ours = difference(&weights, &found, &products);
        let plain = with(weights.iter().map(|weight| weight.signum()).collect());
        assert!(ours < 0.9 * plain, "{ours} where the weights' signs give {plain}");
        for turned in 0..40 {
            let mut signs = found.signs.clone();
            signs[turned] = -signs[turned];
            let rest = difference(&weights, &Filter { signs, scale: found.scale }, &products);
            assert!(rest >= ours * 0.999, "sign {turned}: {rest} after {ours}");
        }
    }

    #[test]
    fn signs_that_fit_stay() {
        let filter = descend(&[0.5, -0.5, 0.5], &DMatrix::identity(3, 3));
        assert_eq!((filter.signs, filter.scale), (vec![1.0, -1.0, 1.0], 0.5));
    }
}
