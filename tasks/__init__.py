"""The paper's tasks as circuits of their own: no PRAM program stands behind them."""
