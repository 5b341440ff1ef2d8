"""The public interface: what `import adaptive_diffusion as ad` offers beside the sampler itself."""
