"""Infrastructure as code that lies in an image, judged by checkov in a process of its own."""
