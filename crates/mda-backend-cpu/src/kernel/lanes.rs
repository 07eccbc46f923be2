//! One register's worth of numbers: what the micro-kernels are written over, once for all instruction sets.

/// Some numbers that one instruction handles. The type is plain memory; only its operations need the instruction set.
///
/// Every operation asks of its caller that the processor has the instruction set, and that what pointers point at is
/// there: `LANES` numbers, or the first `count` of them.
pub(crate) trait Lanes: Copy {
    /// How many numbers.
    const LANES: usize;

    /// `x` in every lane.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn splat(x: f32) -> Self;

    /// The numbers from `from` on.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes all numbers.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn store(self, to: *mut f32);

    /// `self * b + c`, as [`super::Simd::multiply_add`] rounds it.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;

    /// `self + other`.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn add(self, other: Self) -> Self;

    /// Not below `low` and not above `high`; NaN stays NaN.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn clamp(self, low: Self, high: Self) -> Self;

    /// Every second number of `self` and then of `other`, from the first on.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn evens(self, other: Self) -> Self;

    /// Every second number of `self` and then of `other`, from the second on.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn odds(self, other: Self) -> Self;

    /// Asks for what `from` points at, which need not exist.
    ///
    /// # Safety
    /// As the trait says.
    #[inline(always)]
    unsafe fn prefetch(_from: *const f32) {}

    /// The first `count` numbers from `from` on, and zeros behind them.
    ///
    /// # Safety
    /// As the trait says.
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut numbers = [0.0; super::MAX_COLUMNS];
        for (lane, number) in numbers[..Self::LANES].iter_mut().enumerate().take(count) {
            // SAFETY: the caller has the first `count` numbers.
            *number = unsafe { *from.add(lane) };
        }
        // SAFETY: the array has room for all lanes.
        unsafe { Self::load(numbers.as_ptr()) }
    }

    /// Writes the first `count` numbers.
    ///
    /// # Safety
    /// As the trait says.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut numbers = [0.0; super::MAX_COLUMNS];
        // SAFETY: the array has room for all lanes.
        unsafe { self.store(numbers.as_mut_ptr()) };
        for (lane, &number) in numbers[..Self::LANES].iter().enumerate().take(count) {
            // SAFETY: the caller has room for the first `count` numbers.
            unsafe { *to.add(lane) = number };
        }
    }
}
