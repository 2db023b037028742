"""The hands that change a network of one's own: a person who is told, or a program that speaks to its routers."""
