//! Reproducible random numbers, and decisions read off a list of them.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the same numbers on every
/// machine and in every version of this crate, which a fixed seed in a test relies on.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of `0..options`; 0 where there are no options.
    pub fn below(&mut self, options: usize) -> usize {
        ((u128::from(self.bits()) * options as u128) >> 64) as usize
    }

    /// A number of `low..high`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.bits() >> 40) as f32 / (1u32 << 24) as f32;
        low + unit * (high - low)
    }
}

/// Decisions read off a list of numbers. Behind its end every decision is the first option, so that a shorter list, or one
/// of smaller numbers, stands for a simpler model: that is how failing cases shrink.
#[derive(Clone, Debug)]
pub(crate) struct Choices<'a>(std::slice::Iter<'a, u32>);

impl<'a> Choices<'a> {
    pub(crate) fn new(numbers: &'a [u32]) -> Self {
        Self(numbers.iter())
    }

    /// A number of `0..options`, 0 being the simplest.
    pub(crate) fn below(&mut self, options: usize) -> usize {
        let number = u64::from(self.0.next().copied().unwrap_or(0));
        ((number * options as u64) >> 32) as usize
    }

    /// One of `options`, the first being the simplest.
    pub(crate) fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// True once in `odds` cases, false where the list has ended.
    pub(crate) fn once_in(&mut self, odds: usize) -> bool {
        self.below(odds) + 1 == odds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_sequence() {
        let mut random = Random::new(1_234_567);
        assert_eq!([random.bits(), random.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut random = Random::new(3);
        let floats: Vec<f32> = (0..1000).map(|_| random.uniform(-2.0, 3.0)).collect();
        assert!(floats.iter().all(|x| (-2.0..3.0).contains(x)));
        assert!(floats.iter().any(|x| *x < -1.5) && floats.iter().any(|x| *x > 2.5));
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn choices_behind_the_end_are_the_simplest() {
        let mut choices = Choices::new(&[u32::MAX]);
        assert_eq!(choices.below(7), 6);
        assert_eq!((choices.below(7), choices.pick(&["a", "b"]), choices.once_in(2)), (0, "a", false));
    }
}
