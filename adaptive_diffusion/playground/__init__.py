"""The playground: queries in a browser, solved step by step (`adaptive-diffusion play`)."""
