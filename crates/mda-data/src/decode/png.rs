//! PNG with 8 bits a sample or fewer.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::{DecodeError, MOST_BYTES};
use crate::pixels::Pixels;

/// The most pixels that are believed of a byte. Deflate reaches 1032 equal bytes a byte, pictures never come near this; memory
/// for what a header promises is taken before the pixels are seen.
const PIXELS_PER_BYTE: usize = 512;

/// Pixels that are always allowed: one colour everywhere packs further than pictures do.
const ALWAYS_ALLOWED: usize = 1 << 20;

/// The pixels of a PNG: 1 channel where it is grey, else 3.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MOST_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let (height, width) = (reader.info().height as usize, reader.info().width as usize);
    let most = (MOST_BYTES / 4).min(bytes.len().saturating_mul(PIXELS_PER_BYTE).max(ALWAYS_ALLOWED));
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
