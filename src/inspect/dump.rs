//! Every layer of a run as one safetensors file.

use super::Capture;
use crate::network::Network;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, TensorView};

/// `activation.LAYER` U8 `[1, C, H, W]` for every layer that makes codes, and `logits` F32 `[1, classes]`, from a run at `edge`
/// pixels.
///
/// # Errors
/// [`SafeTensorError`], where the capture is not one of this network and edge.
pub fn serialize(
    network: &Network,
    edge: usize,
    capture: &Capture,
    logits: &[f32],
) -> Result<Vec<u8>, SafeTensorError> {
    let logit_bytes: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut tensors = vec![("logits".to_owned(), TensorView::new(Dtype::F32, vec![1, logits.len()], &logit_bytes)?)];
    for ((layer, values), shape) in network.layers().iter().zip(capture.layers()).zip(network.shapes(edge)) {
        if layer.op.makes_codes() {
            let dimensions = vec![1, shape.channels, shape.edge, shape.edge];
            let view = TensorView::new(Dtype::U8, dimensions, &values.codes)?;
            tensors.push((format!("activation.{}", layer.name), view));
        }
    }
    safetensors::serialize(tensors, None)
}
