//! Small pictures of images, side by side in one PNG, and PNGs inside a page.

use super::value::Sheet;
use crate::error::Error;
use mda_core::run::{ImageSource, RunError};
use mda_core::tensor::Tensor;

/// The longest side of a tile, in pixels; larger images are averaged down to it.
const LONGEST: usize = 40;
/// Tiles beside one another.
const ACROSS: usize = 16;

/// The images at `positions` of their sources as the tiles of one picture.
///
/// # Errors
/// [`Error::Run`] where an image cannot be read.
pub(super) fn sheet(positions: &[(&dyn ImageSource, usize)]) -> Result<Sheet, Error> {
    let mut tiles = Vec::new();
    for &(source, position) in positions {
        for batch in source.batches(&[position], 1) {
            let images = batch.map_err(RunError::Source)?.images;
            tiles.push(Tile::of(&images));
        }
    }
    Ok(joined(&tiles))
}

/// An image in bytes, red, green, blue behind one another.
struct Tile {
    height: usize,
    width: usize,
    bytes: Vec<u8>,
}

impl Tile {
    /// Of the first of `images`, `[N, C, H, W]`.
    fn of(images: &Tensor) -> Self {
        let [channels, rows, columns] = [1, 2, 3].map(|axis| images.shape()[axis]);
        let numbers = images.row(0);
        let step = rows.max(columns).div_ceil(LONGEST).max(1);
        let (height, width) = (rows.div_ceil(step), columns.div_ceil(step));
        let mean = |channel: usize, y: usize, x: usize| {
            let (mut sum, mut count) = (0.0, 0.0f32);
            for row in y * step..((y + 1) * step).min(rows) {
                for column in x * step..((x + 1) * step).min(columns) {
                    sum += numbers[(channel * rows + row) * columns + column];
                    count += 1.0;
                }
            }
            (255.0 * sum / count.max(1.0)).round().clamp(0.0, 255.0) as u8
        };
        let mut bytes = Vec::with_capacity(3 * height * width);
        for y in 0..height {
            for x in 0..width {
                bytes.extend([0, 1, 2].map(|colour| mean(if channels == 3 { colour } else { 0 }, y, x)));
            }
        }
        Self { height, width, bytes }
    }
}

fn joined(tiles: &[Tile]) -> Sheet {
    let height = tiles.iter().map(|tile| tile.height).max().unwrap_or(1);
    let width = tiles.iter().map(|tile| tile.width).max().unwrap_or(1);
    let across = tiles.len().clamp(1, ACROSS);
    let (rows, columns) = (height * tiles.len().div_ceil(across).max(1), width * across);
    let mut bytes = vec![0u8; 3 * rows * columns];
    for (index, tile) in tiles.iter().enumerate() {
        let (top, left) = (index / across * height, index % across * width);
        for (y, row) in tile.bytes.chunks(3 * tile.width).enumerate() {
            let start = 3 * ((top + y) * columns + left);
            bytes[start..start + row.len()].copy_from_slice(row);
        }
    }
    Sheet { png: png(&bytes, columns, rows), tile: [height, width], across, count: tiles.len() }
}

/// A PNG of `bytes`; grey where all pixels are.
fn png(bytes: &[u8], width: usize, height: usize) -> Vec<u8> {
    let is_grey = bytes.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let grey: Vec<u8>;
    let (colour, bytes) = if is_grey {
        grey = bytes.iter().copied().step_by(3).collect();
        (png::ColorType::Grayscale, grey.as_slice())
    } else {
        (png::ColorType::Rgb, bytes)
    };
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(bytes));
    written.expect("a Vec takes all bytes, of which there are as many as pixels");
    out
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes as RFC 4648 writes them in base 64.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let place = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[place as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_the_rfc() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, expected) in vectors.iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), *expected);
        }
    }

    #[test]
    fn tiles_stand_side_by_side() {
        let image = |value: f32| Tile::of(&Tensor::new([1, 1, 2, 2], vec![value; 4]).unwrap());
        let sheet = joined(&[image(0.0), image(1.0), image(0.5)]);
        assert_eq!((sheet.tile, sheet.across, sheet.count), ([2, 2], 3, 3));
        let decoded = mda_data::decode::decode(&sheet.png).unwrap();
        assert_eq!((decoded.height, decoded.width), (2, 6));
        assert_eq!(decoded.data[..6], [0, 0, 255, 255, 128, 128]);
    }

    #[test]
    fn large_images_are_averaged_down() {
        let tile = Tile::of(&Tensor::new([1, 3, 80, 60], vec![0.25; 3 * 80 * 60]).unwrap());
        assert_eq!((tile.height, tile.width), (40, 30));
        assert!(tile.bytes.iter().all(|&byte| byte == 64));
    }
}
