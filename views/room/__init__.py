"""What the server gives to phones beside Streamlit: plain pages and a plain route for votes."""
