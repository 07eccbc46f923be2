//! The least and the largest of many numbers, in strands that do not wait for one another.

const STRANDS: usize = 32;

/// The least and the largest; infinite where there is no number. NaN is neither.
pub(crate) fn extremes(numbers: &[f32]) -> (f32, f32) {
    let (blocks, rest) = numbers.as_chunks::<STRANDS>();
    let (mut low, mut high) = ([f32::INFINITY; STRANDS], [f32::NEG_INFINITY; STRANDS]);
    for block in blocks {
        low.iter_mut().zip(block).for_each(|(low, &x)| *low = if x < *low { x } else { *low });
        high.iter_mut().zip(block).for_each(|(high, &x)| *high = if x > *high { x } else { *high });
    }
    let least = low.iter().chain(rest).copied().fold(f32::INFINITY, f32::min);
    (least, high.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_found_wherever_they_stand() {
        assert_eq!(extremes(&[]), (f32::INFINITY, f32::NEG_INFINITY));
        for at in 0..70 {
            let mut numbers = vec![1.0; 70];
            numbers[at] = 3.0;
            numbers[69 - at] = f32::NAN;
            assert_eq!(extremes(&numbers), (1.0, 3.0));
            numbers[69 - at] = -2.0;
            assert_eq!(extremes(&numbers), (-2.0, 3.0));
        }
    }
}
