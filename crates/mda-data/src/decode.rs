//! JPEG and PNG bytes into pixels.

mod jpeg;
mod png;

use thiserror::Error;

use crate::pixels::Pixels;

/// The most bytes of pixels that one image may have: 128 MiB, about 44 megapixels in colour.
const MOST_BYTES: usize = 128 << 20;

/// Why an image cannot be decoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes begin neither like a JPEG nor like a PNG.
    #[error("neither a JPEG nor a PNG: begins with {found:02x?}")]
    Unknown {
        /// Up to eight bytes from the start.
        found: Vec<u8>,
    },
    /// The JPEG has no readable frame header.
    #[error("JPEG: no frame header (SOF) before the end at byte {at}")]
    NoFrame {
        /// Where the markers end.
        at: usize,
    },
    /// A kind of image that no classifier here takes.
    #[error("{found} is not supported; convert the image to 8-bit grey or RGB")]
    Unsupported {
        /// What the image holds.
        found: String,
    },
    /// The header promises more pixels than are read.
    #[error("{height}x{width} pixels: {length} bytes hold at most {most}; is the image cut off or damaged?")]
    TooLarge {
        /// H, in pixels.
        height: usize,
        /// W, in pixels.
        width: usize,
        /// The length of the encoded image in bytes.
        length: usize,
        /// The most pixels that are read from it.
        most: usize,
    },
    /// The JPEG stream is broken.
    #[error("JPEG: {0}")]
    Jpeg(#[from] jpeg_decoder::Error),
    /// The PNG stream is broken.
    #[error("PNG: {0}")]
    Png(#[from] ::png::DecodingError),
    /// The decoder gave another number of values than the header says.
    #[error("{height}x{width}x{channels} image decoded to {found} values")]
    Length {
        /// C.
        channels: usize,
        /// H, in pixels.
        height: usize,
        /// W, in pixels.
        width: usize,
        /// How many values came.
        found: usize,
    },
}

/// The pixels of a JPEG or PNG, told apart by their first bytes. Alpha is dropped; EXIF orientation is not applied.
///
/// # Errors
/// [`DecodeError`] where the bytes are no whole image of 8-bit grey or colour, or it is too large.
pub fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let pixels = if bytes.starts_with(&[0xff, 0xd8]) {
        jpeg::decode(bytes)?
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png::decode(bytes)?
    } else {
        return Err(DecodeError::Unknown { found: bytes[..bytes.len().min(8)].to_vec() });
    };
    let Pixels { channels, height, width, ref data } = pixels;
    if data.len() != channels * height * width || data.is_empty() {
        return Err(DecodeError::Length { channels, height, width, found: data.len() });
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SUBSAMPLED: &[u8] = include_bytes!("../fixtures/subsampled.jpg");
    const PROGRESSIVE: &[u8] = include_bytes!("../fixtures/progressive.jpg");
    const GREY: &[u8] = include_bytes!("../fixtures/grey.jpg");
    const PNG: &[u8] = include_bytes!("../fixtures/colour-32x32.png");

    fn differences(jpeg: &[u8], pillow: &[u8]) -> Vec<u8> {
        let (ours, theirs) = (decode(jpeg).unwrap(), decode(pillow).unwrap());
        assert_eq!((ours.channels, ours.height, ours.width), (theirs.channels, theirs.height, theirs.width));
        ours.data.iter().zip(&theirs.data).map(|(a, b)| a.abs_diff(*b)).collect()
    }

    /// The bounds are what the table above says for real pictures, with room for a hard-edged one.
    fn assert_close(differences: &[u8]) {
        let unequal = differences.iter().filter(|&&d| d > 0).count();
        assert!(differences.iter().all(|&d| d <= 3), "largest difference {:?}", differences.iter().max());
        assert!(unequal * 10 <= differences.len(), "{unequal} of {} values differ", differences.len());
    }

    #[test]
    fn a_subsampled_jpeg_is_close_to_pillow() {
        assert_close(&differences(SUBSAMPLED, include_bytes!("../fixtures/subsampled-decoded.png")));
    }

    #[test]
    fn a_progressive_jpeg_is_close_to_pillow() {
        assert_close(&differences(PROGRESSIVE, include_bytes!("../fixtures/progressive-decoded.png")));
    }

    #[test]
    fn a_grey_jpeg_has_one_channel() {
        let grey = decode(GREY).unwrap();
        assert_eq!((grey.channels, grey.height, grey.width, grey.data.len()), (1, 28, 28, 784));
    }

    #[test]
    fn other_bytes_are_an_error() {
        assert!(matches!(decode(b"GIF89a"), Err(DecodeError::Unknown { .. })));
        assert!(matches!(decode(b""), Err(DecodeError::Unknown { .. })));
    }

    #[test]
    fn a_cut_image_is_an_error() {
        for bytes in [SUBSAMPLED, PROGRESSIVE, GREY, PNG] {
            for length in [2, 20, bytes.len() / 4] {
                assert!(decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
            }
        }
        assert!(matches!(decode(&PNG[..PNG.len() - 30]), Err(DecodeError::Png(_))));
    }

    /// Where the frame header's segment begins, after its marker.
    fn frame_at(jpeg: &[u8]) -> usize {
        jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap() + 2
    }

    #[test]
    fn a_jpeg_that_claims_to_be_huge_is_refused_before_it_is_decoded() {
        let mut bytes = SUBSAMPLED.to_vec();
        let at = frame_at(&bytes);
        bytes[at + 3..at + 7].fill(0xff);
        assert!(matches!(decode(&bytes), Err(DecodeError::TooLarge { height: 65_535, width: 65_535, .. })));
    }

    #[test]
    fn a_jpeg_with_two_channels_is_refused() {
        let mut bytes = SUBSAMPLED.to_vec();
        let at = frame_at(&bytes);
        bytes[at + 7] = 2;
        assert!(matches!(decode(&bytes), Err(DecodeError::Unsupported { .. })));
    }

    #[test]
    fn a_jpeg_without_a_frame_is_an_error() {
        let at = frame_at(SUBSAMPLED);
        assert!(matches!(decode(&SUBSAMPLED[..at]), Err(DecodeError::NoFrame { .. })));
        assert!(matches!(decode(&[0xff, 0xd8, 0xff, 0xd9]), Err(DecodeError::NoFrame { .. })));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256), start in 0usize..3) {
            let start: &[u8] = [&b""[..], &SUBSAMPLED[..2], &PNG[..8]][start];
            let _ = decode(&[start, &bytes].concat());
        }

        #[test]
        fn damaged_images_never_panic(
            which in 0usize..4,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            length in any::<prop::sample::Index>(),
            cut: bool,
        ) {
            let mut bytes = [SUBSAMPLED, PROGRESSIVE, GREY, PNG][which].to_vec();
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if cut {
                bytes.truncate(length.index(bytes.len()));
            }
            let _ = decode(&bytes);
        }
    }
}
