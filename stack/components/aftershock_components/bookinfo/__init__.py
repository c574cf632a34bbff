"""A bookshop in four services, as Istio's example has them.

productpage stands in front and asks details and reviews; reviews v2 and v3 ask ratings,
v1 does not. One small package, one service per process, chosen by BOOKINFO_SERVICE. A
service that does not answer degrades the page and never breaks it.
"""
