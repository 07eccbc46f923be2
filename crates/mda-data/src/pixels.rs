//! One image as bytes, and its way between grey and colour.

/// One image: u8, `[H, W, C]` row-major (the channels of a pixel lie side by side).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// C: 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// H, in pixels.
    pub height: usize,
    /// W, in pixels.
    pub width: usize,
    /// `height * width * channels` values.
    pub data: Vec<u8>,
}

impl Pixels {
    /// The image in one channel: the luma of ITU-R 601, `(19595 R + 38470 G + 7471 B + 2^15) / 2^16`, as Pillow's mode `L`.
    pub fn into_grey(self) -> Self {
        if self.channels == 1 {
            return self;
        }
        let luma = |p: &[u8]| (19_595 * u32::from(p[0]) + 38_470 * u32::from(p[1]) + 7_471 * u32::from(p[2])) + 0x8000;
        let data = self.data.chunks_exact(3).map(|pixel| (luma(pixel) >> 16) as u8).collect();
        Self { channels: 1, data, ..self }
    }

    /// The image in three channels; grey becomes three equal ones.
    pub fn into_colour(self) -> Self {
        if self.channels == 3 {
            return self;
        }
        let data = self.data.iter().flat_map(|&value| [value; 3]).collect();
        Self { channels: 3, data, ..self }
    }

    /// Writes the image as f32, `[C, H, W]` row-major, `value / 255` in `0.0..=1.0`.
    ///
    /// # Panics
    /// Where `out` has another length than the image.
    pub fn write_planes(&self, out: &mut [f32]) {
        assert_eq!(out.len(), self.data.len());
        for (channel, plane) in out.chunks_exact_mut(self.height * self.width).enumerate() {
            for (value, pixel) in plane.iter_mut().zip(self.data.chunks_exact(self.channels)) {
                *value = f32::from(pixel[channel]) / 255.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_agrees_with_pillow() {
        // Image.new("RGB", (1, 1), colour).convert("L") of Pillow 13.0.
        let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [12, 200, 77], [1, 1, 2]];
        let image = Pixels { channels: 3, height: 2, width: 3, data: colours.concat() };
        assert_eq!(image.into_grey().data, [76, 150, 29, 255, 130, 1]);
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        let grey = Pixels { channels: 1, height: 1, width: 2, data: vec![7, 9] };
        let colour = grey.clone().into_colour();
        assert_eq!(colour.data, [7, 7, 7, 9, 9, 9]);
        assert_eq!(colour.into_grey(), grey);
    }

    #[test]
    fn planes_are_channel_first() {
        let image = Pixels { channels: 3, height: 1, width: 2, data: vec![0, 51, 102, 255, 204, 153] };
        let mut planes = [0.0; 6];
        image.write_planes(&mut planes);
        assert_eq!(planes, [0.0, 1.0, 0.2, 0.8, 0.4, 0.6]);
    }
}
