//! The head: from the last map to the logits.

use super::builder::{Builder, Value};
use mda_core::op::{Add, Concat, Conv2d, Flatten, GlobalAvgPool, Linear, Multiply, Op, Window};

impl Builder<'_> {
    /// The logits over the last of `maps`.
    pub(super) fn head(&mut self, maps: &[Value]) {
        self.block = "head".into();
        let x = &maps[maps.len() - 1];
        let categories = self.categories();
        match self.structure.below(8) {
            1 => {
                let pooled = self.pooled(x);
                self.linear(&pooled, categories);
            }
            2 | 3 => {
                let mut features = if self.structure.once_in(2) { self.pooled(x) } else { self.flat(x) };
                for _ in 0..1 + self.structure.below(4) {
                    features = self.feature_block(&features);
                }
                self.linear(&features, categories);
            }
            4 => {
                let conv = Conv2d::dense(categories, 1, 1, 0, self.structure.once_in(2));
                let maps = self.push("score", conv, &[x]);
                self.pooled(&maps);
            }
            5 => {
                let window = Window { kernel: x.shape.spatial(), ..Window::square(1, 1, 0) };
                let conv = Conv2d { out_channels: categories, window, groups: 1, bias: self.structure.once_in(2) };
                let maps = self.push("score", conv, &[x]);
                self.flat(&maps);
            }
            6 => {
                let [early, late] = [self.pooled(&maps[maps.len() / 2]), self.flat(x)];
                let both = self.push("concat", Concat {}, &[&early, &late]);
                self.linear(&both, categories);
            }
            7 => {
                let features = self.pooled(x);
                let [left, right] = [(); 2].map(|()| self.linear(&features, categories.div_ceil(2)));
                self.push("logits", Concat {}, &[&left, &right]);
            }
            _ => {
                let features = self.flat(x);
                self.linear(&features, categories);
            }
        }
    }

    fn flat(&mut self, x: &Value) -> Value {
        self.push("flatten", Flatten {}, &[x])
    }

    fn pooled(&mut self, x: &Value) -> Value {
        let pooled = self.push("gap", GlobalAvgPool {}, &[x]);
        self.flat(&pooled)
    }

    fn linear(&mut self, x: &Value, out_features: usize) -> Value {
        let op: Op = Linear { out_features, bias: !self.structure.once_in(3) }.into();
        self.push("fc", op, &[x])
    }

    fn feature_block(&mut self, x: &Value) -> Value {
        let width = self.width();
        match self.structure.below(9) {
            2 => self.norm(x),
            3 => self.activation(x),
            4 => self.select(x),
            5 => self.flat(x),
            6 => {
                let narrow = self.linear(x, width);
                let branch = self.linear(&narrow, width);
                let branch = self.followed(&branch);
                self.push("add", Add {}, &[&narrow, &branch])
            }
            7 => {
                let narrow = self.linear(x, width);
                let more = self.width();
                let more = self.linear(&narrow, more);
                self.push("concat", Concat {}, &[&narrow, &more, &narrow])
            }
            8 => {
                let left = self.linear(x, width);
                let right = self.linear(x, width);
                let right = self.activation(&right);
                self.push("product", Multiply {}, &[&left, &right])
            }
            _ => {
                let y = self.linear(x, width);
                self.followed(&y)
            }
        }
    }
}
