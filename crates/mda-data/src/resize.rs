//! Antialiased bilinear resizing of u8 images, equal to Pillow's `Image.resize(size, BILINEAR)` in every bit.
//!
//! Every output pixel is a weighted mean under a triangle, which is as wide as an output pixel where the image shrinks
//! and as an input pixel where it grows. Each pass rounds to u8 as Pillow's fixed-point arithmetic does, so that a model
//! sees the very numbers that it was trained on.
//!
//! Columns come before rows, as in every Pillow before 13. Pillow 13 takes the rows first where the height shrinks much more
//! than the width, and then differs by one count here and there; where both change by the same factor it does not.

use crate::pixels::Pixels;

/// The weights are whole numbers of `2^-22`: 32 bits less 8 for the pixel and 2 for overshoot.
const PRECISION: u32 = 32 - 8 - 2;

/// The input pixels and their weights under every output pixel of one axis.
struct Taps {
    /// `(first input, first weight, how many)` of every output.
    windows: Vec<(usize, usize, usize)>,
    weights: Vec<i32>,
}

impl Taps {
    fn new(input: usize, output: usize) -> Self {
        let scale = input as f64 / output as f64;
        let support = scale.max(1.0);
        let mut taps = Self { windows: Vec::with_capacity(output), weights: Vec::new() };
        for position in 0..output {
            let center = (position as f64 + 0.5) * scale;
            // Truncation towards zero after adding a half, as the reference does, decides which pixels take part.
            let first = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5) as usize).min(input);
            let triangle = |x: usize| (1.0 - ((x as f64 - center + 0.5) * (1.0 / support)).abs()).max(0.0);
            let total: f64 = (first..end).map(triangle).sum();
            taps.windows.push((first, taps.weights.len(), end - first));
            let fixed = |weight: f64| (0.5 + weight / total * f64::from(1 << PRECISION)) as i32;
            taps.weights.extend((first..end).map(|x| fixed(triangle(x))));
        }
        taps
    }

    /// Output `position` of a line whose pixels lie `stride` apart in `line`.
    fn apply(&self, position: usize, line: &[u8], stride: usize) -> u8 {
        let (first, at, count) = self.windows[position];
        let pixels = line[first * stride..].iter().step_by(stride);
        let weighted = pixels.zip(&self.weights[at..at + count]).map(|(&pixel, weight)| i32::from(pixel) * weight);
        let sum = (1 << (PRECISION - 1)) + weighted.sum::<i32>();
        (sum >> PRECISION).clamp(0, 255) as u8
    }
}

/// `image` in `height` by `width` pixels.
///
/// # Panics
/// Where `height`, `width` or an extent of the image is 0, or the image's data do not fit its extents.
pub fn resize(image: &Pixels, height: usize, width: usize) -> Pixels {
    assert!(height > 0 && width > 0 && image.height > 0 && image.width > 0);
    rows(&columns(image, width), height)
}

fn columns(image: &Pixels, width: usize) -> Pixels {
    if width == image.width {
        return image.clone();
    }
    let taps = Taps::new(image.width, width);
    let mut data = Vec::with_capacity(image.height * width * image.channels);
    for row in image.data.chunks_exact(image.width * image.channels) {
        for x in 0..width {
            data.extend((0..image.channels).map(|channel| taps.apply(x, &row[channel..], image.channels)));
        }
    }
    Pixels { width, data, ..*image }
}

fn rows(image: &Pixels, height: usize) -> Pixels {
    if height == image.height {
        return image.clone();
    }
    let taps = Taps::new(image.height, height);
    let stride = image.width * image.channels;
    let mut data = Vec::with_capacity(height * stride);
    for y in 0..height {
        data.extend((0..stride).map(|at| taps.apply(y, &image.data[at..], stride)));
    }
    Pixels { height, data, ..*image }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::decode;

    /// The fixtures are synthetic; `fixtures/make.py` makes them with Pillow 12.0.
    fn assert_equals_pillow(from: &[u8], to: &[u8]) {
        let (from, to) = (decode(from).unwrap(), decode(to).unwrap());
        let ours = resize(&from, to.height, to.width);
        assert_eq!(ours.data.len(), to.data.len());
        let different = ours.data.iter().zip(&to.data).filter(|(a, b)| a != b).count();
        assert_eq!(different, 0, "{}x{} to {}x{}", from.height, from.width, to.height, to.width);
    }

    #[test]
    fn grey_28_to_32_equals_pillow() {
        assert_equals_pillow(
            include_bytes!("../fixtures/grey-28x28.png"),
            include_bytes!("../fixtures/grey-32x32.png"),
        );
    }

    #[test]
    fn colour_64_to_32_equals_pillow() {
        assert_equals_pillow(
            include_bytes!("../fixtures/colour-64x64.png"),
            include_bytes!("../fixtures/colour-64x64-to-32x32.png"),
        );
    }

    #[test]
    fn colour_32_to_28_equals_pillow() {
        assert_equals_pillow(
            include_bytes!("../fixtures/colour-32x32.png"),
            include_bytes!("../fixtures/colour-32x32-to-28x28.png"),
        );
    }

    #[test]
    fn growing_one_axis_while_the_other_shrinks_equals_pillow() {
        assert_equals_pillow(
            include_bytes!("../fixtures/colour-32x32.png"),
            include_bytes!("../fixtures/colour-32x32-to-13x45.png"),
        );
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let image = decode(include_bytes!("../fixtures/colour-32x32.png")).unwrap();
        assert_eq!(resize(&image, 32, 32), image);
    }

    proptest! {
        #[test]
        fn one_colour_stays_that_colour(value: u8, from in (1usize..40, 1usize..40), to in (1usize..40, 1usize..40)) {
            let image = Pixels { channels: 1, height: from.0, width: from.1, data: vec![value; from.0 * from.1] };
            prop_assert_eq!(resize(&image, to.0, to.1).data, vec![value; to.0 * to.1]);
        }
    }
}
