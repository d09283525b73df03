from fasrgan_hub.demo.page import launch

launch()
