"""The Streamlit app: it draws; all arithmetic is in nonlocal_core."""
