//! Sums in f64, in strands that do not wait for one another.

const STRANDS: usize = 8;

/// The sum of `of` over `numbers`.
#[inline(always)]
pub(crate) fn sum<T: Copy>(numbers: &[T], of: impl Fn(T) -> f64) -> f64 {
    let (blocks, rest) = numbers.as_chunks::<STRANDS>();
    let mut strands = [0.0; STRANDS];
    for block in blocks {
        strands.iter_mut().zip(block).for_each(|(strand, &x)| *strand += of(x));
    }
    strands.into_iter().chain(rest.iter().map(|&x| of(x))).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_number_counts_once() {
        for count in 0..20i32 {
            let numbers: Vec<f32> = (0..count).map(|x| x as f32).collect();
            let expected = f64::from(count * (count - 1)) / 2.0;
            assert_eq!(super::sum(&numbers, f64::from), expected);
        }
    }
}
