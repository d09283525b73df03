from fasrgan_hub.apps.demo.page import launch

launch()
