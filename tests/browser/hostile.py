"""Names that Markdown, or what Streamlit adds to it, would read as something else."""

NAMES = (
    "# heading.png",
    "1. list.png",
    "- list.png",
    "> quote.png",
    "**bold** _it_ `code` ~~gone~~",
    ":red[colour] :blue-background[x] :small[y] :rainbow[z]",
    ":material/home: :smile: :streamlit: :+1:",
    "[link](https://example.org) ![image](https://example.org/a.png)",
    "https://example.org www.example.org WWW.example.org me@example.org mailto:me@example.org",
    "<b>html</b> <img src=x onerror=alert(1)> &amp; &lt;",
    "$x^2$ $$y$$ \\(z\\)",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    "| a | b |",
    "[^1] [x] [ ] \\ back\\slash ``` ''' \"q\"",
    "--- === ***",
    "a  two spaces  b",
)
