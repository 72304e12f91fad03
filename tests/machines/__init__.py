"""State machines: what people may do with an object, in any order, beside a plain model of it."""
