//! PNG with 8 bits a sample or fewer.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::{DecodeError, MOST_BYTES};
use crate::pixels::Pixels;

/// Deflate packs at most 1032 bytes into one, and a byte holds up to eight pixels.
const PIXELS_PER_BYTE: usize = 1032 * 8;

/// The pixels of a PNG: 1 channel where it is grey, else 3.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let (height, width) = (reader.info().height as usize, reader.info().width as usize);
    let most = (MOST_BYTES / 4).min(bytes.len().saturating_mul(PIXELS_PER_BYTE));
    if height.checked_mul(width).is_none_or(|pixels| pixels > most) {
        return Err(DecodeError::TooLarge { height, width, length: bytes.len(), most });
    }
    let (stored, kept) = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => (1, 1),
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => (2, 1),
        (ColorType::Rgb, BitDepth::Eight) => (3, 3),
        (ColorType::Rgba, BitDepth::Eight) => (4, 3),
        (color, depth) => return Err(DecodeError::Unsupported { found: format!("PNG of {color:?}, {depth:?} bits") }),
    };
    let mut data = vec![0; height * width * stored];
    reader.next_frame(&mut data)?;
    reader.finish()?;
    if stored > kept {
        data = data.chunks_exact(stored).flat_map(|pixel| &pixel[..kept]).copied().collect();
    }
    Ok(Pixels { channels: kept, height, width, data })
}
