//! JPEG, as close to libjpeg-turbo as a decoder in Rust comes.
//!
//! Models are trained on what Pillow's libjpeg-turbo makes of a JPEG, and decoders differ in how they round the inverse
//! cosine transform and smooth the subsampled chroma. Measured against Pillow 13.0 (libjpeg-turbo 3.2) on all 10,000 test
//! images of CIFAR-10 (JPEG, 4:2:0) at native size, and on the predictions of a VGG-16 (0.375 width, 82.77 % with Pillow):
//!
//! | decoder | equal values | mean difference | largest | accuracy | predictions that change |
//! |---|---|---|---|---|---|
//! | jpeg-decoder 0.3.2, `platform_independent` | 93.68 % | +0.037 | 3 | 82.77 % | 26 |
//! | jpeg-decoder 0.3.2, SIMD | 90.78 % | +0.051 | 4 | not measured | |
//! | zune-jpeg 0.5.15 (the `image` crate) | 78.26 % | +0.138 | 5 | 82.81 % | 54 |
//!
//! On Tiny-ImageNet (32x32 JPEG, 12.11 % with Pillow) they give 12.09 % with 94 changed predictions of 10,000, and zune-jpeg
//! 12.10 % with 289.
//!
//! So JPEG goes through `jpeg-decoder` without its SIMD paths, which also gives the same pixels on every machine. What is
//! left is the rounding of ties in every second chroma column.

use super::{DecodeError, MOST_BYTES};
use crate::pixels::Pixels;

/// A JPEG spends at least one bit on every block of 8x8 pixels, so a byte of it holds at most this many.
const PIXELS_PER_BYTE: usize = 8 * 64;

/// The pixels of a JPEG: 1 channel where it is grey, else 3.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    // The decoder allocates before it looks at its own limit, and asserts that there are 1, 3 or 4 channels.
    let Frame { precision, height, width, channels } = frame(bytes)?;
    if precision != 8 || ![1, 3].contains(&channels) {
        let found = format!("JPEG with {channels} channels of {precision} bits");
        return Err(DecodeError::Unsupported { found });
    }
    let most = (MOST_BYTES / 3).min(bytes.len().saturating_mul(PIXELS_PER_BYTE));
    if height * width > most {
        return Err(DecodeError::TooLarge { height, width, length: bytes.len(), most });
    }
    let data = jpeg_decoder::Decoder::new(bytes).decode()?;
    Ok(Pixels { channels, height, width, data })
}

/// What a JPEG's frame header says.
struct Frame {
    precision: u8,
    height: usize,
    width: usize,
    channels: usize,
}

/// Walks the marker segments up to the frame header (SOF0 to SOF15 without DHT, JPG and DAC).
fn frame(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let mut at = 2;
    let end = |at| DecodeError::NoFrame { at };
    let u16_at = |at: usize| match bytes.get(at..at + 2) {
        Some(pair) => Ok(usize::from(u16::from_be_bytes([pair[0], pair[1]]))),
        None => Err(end(at)),
    };
    loop {
        // Stray bytes and fill bytes before a marker are skipped, as decoders do.
        at += bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xff)).ok_or(end(at))?;
        at += bytes[at..].iter().position(|&byte| byte != 0xff).ok_or(end(at))?;
        let marker = bytes[at];
        at += 1;
        match marker {
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                let precision = *bytes.get(at + 2).ok_or(end(at))?;
                let channels = *bytes.get(at + 7).ok_or(end(at))?;
                let (height, width) = (u16_at(at + 3)?, u16_at(at + 5)?);
                return Ok(Frame { precision, height, width, channels: channels.into() });
            }
            // Markers without a segment: stuffing, TEM, RSTn and SOI.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            // End of image, or start of a scan, before any frame.
            0xd9 | 0xda => return Err(end(at)),
            _ => at += u16_at(at)?.max(2),
        }
    }
}
