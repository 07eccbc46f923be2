//! How the network was trained to see pixel values: their range and normalisation.

use super::{Import, ImportError, PixelRange};
use mda_core::op::Normalize;
use mda_data::Preset;

/// The means and standard deviations that are given, one or one a channel, in the range of the pixel values.
///
/// A preset's are of pixel values in 0 to 1; a network that takes 0 to 255 was trained with others.
pub(super) fn normalization(import: &Import) -> Option<Normalize> {
    if import.normalization.is_some() {
        return import.normalization.clone();
    }
    import.preset.filter(|_| import.range_or_unit() == PixelRange::Unit).map(Preset::normalize)
}

/// What is to be said where a preset's normalisation is not taken.
pub(super) fn note(import: &Import) -> Option<String> {
    let bytes = import.range_or_unit() == PixelRange::Bytes && import.normalization.is_none();
    let preset: Preset = import.preset.filter(|_| bytes)?;
    Some(format!("the normalisation of {preset} is of pixel values in 0-1 and left out with --range 0-255"))
}

/// What brings pixel values in 0 to 1 to what a network of `channels` channels takes.
pub(super) fn for_channels(import: &Import, channels: usize) -> Result<Option<Normalize>, ImportError> {
    let asked = normalization(import).map(|asked| asked.for_channels(channels));
    if let Some(Normalize { mean, std }) = &asked
        && (mean.len() != channels || std.len() != channels)
    {
        let whose = match import.preset.filter(|_| import.normalization.is_none()) {
            Some(preset) => format!("--preset {preset}"),
            None => "--mean and --std".to_owned(),
        };
        let (means, deviations) = (mean.len(), std.len());
        return Err(ImportError::Normalization { whose, means, deviations, channels });
    }
    Ok(match (import.range_or_unit(), asked) {
        (PixelRange::Unit, asked) => asked,
        (PixelRange::Bytes, None) => Some(Normalize { mean: vec![0.0; channels], std: vec![1.0 / 255.0; channels] }),
        // (255 x - mean) / std
        (PixelRange::Bytes, Some(Normalize { mean, std })) => {
            let shrunk = |numbers: Vec<f32>| numbers.into_iter().map(|number| number / 255.0).collect();
            Some(Normalize { mean: shrunk(mean), std: shrunk(std) })
        }
    })
}
