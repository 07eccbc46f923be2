//! How the network was trained to see pixel values: their range and normalisation.

use crate::args::{Foreign, RangeName};
use anyhow::Context as _;
use mda_core::op::Normalize;
use mda_data::{Normalisation, Preset};

/// The means and standard deviations that the flags give, one or one a channel, in the range that [`range`] answers.
///
/// A preset's are of pixel values in 0 to 1; a network that takes 0 to 255 was trained with others.
pub(super) fn normalization(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<Option<Normalize>> {
    let numbers = |flag: &str, text: &str| -> anyhow::Result<Vec<f32>> {
        let number = |part: &str| part.trim().parse().with_context(|| format!("{flag} takes numbers, got `{part}`"));
        text.split(',').map(number).collect()
    };
    if let (Some(mean), Some(std)) = (&foreign.mean, &foreign.std) {
        return Ok(Some(Normalize { mean: numbers("--mean", mean)?, std: numbers("--std", std)? }));
    }
    let Some(preset) = preset.filter(|_| range(foreign) == RangeName::Unit) else { return Ok(None) };
    let Normalisation { mean, std } = preset.normalisation();
    let channels = if preset.is_grey() { 1 } else { 3 };
    Ok(Some(Normalize { mean: mean[..channels].to_vec(), std: std[..channels].to_vec() }))
}

/// The pixel values that the network takes.
pub(super) fn range(foreign: &Foreign) -> RangeName {
    foreign.range.unwrap_or(RangeName::Unit)
}

/// What is to be said where a preset's normalisation is not taken.
pub(super) fn note(foreign: &Foreign, preset: Option<Preset>) -> Option<String> {
    let preset = preset.filter(|_| range(foreign) == RangeName::Bytes && foreign.mean.is_none())?;
    Some(format!("the normalisation of {preset} is of pixel values in 0-1 and left out with --range 0-255"))
}

/// What brings pixel values in 0 to 1 to what a network of `channels` channels takes.
pub(super) fn for_channels(
    foreign: &Foreign,
    preset: Option<Preset>,
    channels: usize,
) -> anyhow::Result<Option<Normalize>> {
    let asked = normalization(foreign, preset)?;
    let spread = |numbers: &[f32]| match numbers {
        [one] => vec![*one; channels],
        _ => numbers.to_vec(),
    };
    let asked = asked.map(|asked| Normalize { mean: spread(&asked.mean), std: spread(&asked.std) });
    if let Some(Normalize { mean, std }) = &asked {
        let whose = match preset.filter(|_| foreign.mean.is_none()) {
            Some(preset) => format!("--preset {preset}"),
            None => "--mean and --std".to_owned(),
        };
        anyhow::ensure!(
            mean.len() == channels && std.len() == channels,
            "{whose} give {} means and {} standard deviations, but the network takes images of {channels} channel(s): give \
             --mean and --std with one number, or one a channel",
            mean.len(),
            std.len()
        );
    }
    Ok(match (range(foreign), asked) {
        (RangeName::Unit, asked) => asked,
        (RangeName::Bytes, None) => Some(Normalize { mean: vec![0.0; channels], std: vec![1.0 / 255.0; channels] }),
        // (255 x - mean) / std
        (RangeName::Bytes, Some(Normalize { mean, std })) => {
            let shrunk = |numbers: Vec<f32>| numbers.into_iter().map(|number| number / 255.0).collect();
            Some(Normalize { mean: shrunk(mean), std: shrunk(std) })
        }
    })
}
