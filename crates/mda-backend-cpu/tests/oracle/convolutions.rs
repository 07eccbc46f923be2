//! Convolutions of every kind against the oracle.

use crate::check::{agrees, single};
use mda_core::op::{Conv2d, Padding, Window};

fn conv(out_channels: usize, window: Window, groups: usize) -> Conv2d {
    Conv2d { out_channels, window, groups, bias: groups == 1 }
}

/// Windows of all kinds that fit into 9 by 11.
fn windows() -> Vec<Window> {
    let uneven = Padding { top: 1, left: 2, bottom: 0, right: 3 };
    let mut windows = Vec::new();
    for kernel in [[1, 1], [3, 3], [2, 2], [1, 7], [5, 2], [9, 9], [4, 11]] {
        for (stride, padding) in
            [([1, 1], Padding::default()), ([1, 1], uneven), ([2, 2], uneven), ([3, 1], Padding::same(1))]
        {
            windows.push(Window { kernel, stride, padding, dilation: [1, 1] });
        }
    }
    for (dilation, stride) in [([2, 2], [1, 1]), ([2, 1], [2, 1]), ([1, 3], [1, 2])] {
        windows.push(Window { kernel: [3, 3], stride, padding: uneven, dilation });
    }
    windows
}

#[test]
fn dense() {
    for (index, window) in windows().into_iter().enumerate() {
        let (inputs, outputs) = ([1, 3, 17][index % 3], [1, 6, 13, 20][index % 4]);
        agrees(&single([inputs, 9, 11], conv(outputs, window, 1)), &[], &[1, 3]);
    }
}

#[test]
fn grouped_and_depthwise() {
    for window in windows() {
        agrees(&single([6, 9, 11], conv(14, window, 2)), &[], &[2]);
        agrees(&single([5, 9, 11], conv(5, window, 5)), &[], &[2]);
        agrees(&single([3, 9, 11], conv(9, window, 3)), &[], &[2]);
    }
}

/// The shapes that Winograd's filtering takes: odd and even maps down to one position, paddings of every kind.
#[test]
fn three_by_three() {
    let paddings = [
        Padding::same(1),
        Padding::same(0),
        Padding { top: 0, left: 1, bottom: 2, right: 0 },
        Padding { top: 4, left: 0, bottom: 0, right: 5 },
    ];
    for extents in [[3, 3], [4, 4], [5, 8], [7, 6], [17, 34]] {
        for padding in paddings {
            let window = Window { padding, ..Window::square(3, 1, 0) };
            agrees(&single([16, extents[0], extents[1]], conv(17, window, 1)), &[], &[1, 5]);
        }
    }
    for extents in [[1, 1], [2, 2], [2, 1], [1, 4]] {
        agrees(&single([18, extents[0], extents[1]], Conv2d::dense(33, 3, 1, 1, true)), &[], &[1, 7, 64]);
    }
}

/// More terms than one packed block, more positions than one block of columns, more channels than one block of panels.
#[test]
fn several_blocks() {
    agrees(&single([70, 6, 5], Conv2d::dense(61, 3, 2, 1, true)), &[], &[1, 64]);
    agrees(&single([600, 2, 2], Conv2d::dense(100, 1, 1, 0, false)), &[], &[7, 64]);
    agrees(&single([2, 40, 30], Conv2d::dense(8, 5, 1, 2, true)), &[], &[1, 3]);
    agrees(&single([90, 4, 4], Conv2d::dense(110, 3, 1, 1, true)), &[], &[64]);
    agrees(&single([1, 20, 20], Conv2d::dense(3, 19, 1, 3, true)), &[], &[2]);
}

/// Rows of more and of fewer positions than a register holds, over its end by every number; depthwise with residuals and several
/// filters a channel.
#[test]
fn rows_of_every_length() {
    for width in [3, 7, 8, 15, 16, 17, 24, 31, 33] {
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2)] {
            let window = Window::square(kernel, stride, kernel / 2);
            agrees(&single([5, 9, width], conv(13, window, 1)), &[], &[1, 3]);
            agrees(&single([4, 9, width], conv(4, window, 4)), &[], &[3]);
            agrees(&single([4, 9, width], conv(8, window, 4)), &[], &[2]);
            agrees(&single([6, 9, width], conv(20, window, 2)), &[], &[2]);
        }
    }
}
