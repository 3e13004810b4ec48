from django.conf import settings
from django.contrib import admin
from django.urls import path
from django.views.generic import TemplateView

home = TemplateView.as_view(
    template_name="pages/home.html",
    extra_context={"config": settings.STATIC_CONFIG, "release": settings.RELEASE_ID},
)

urlpatterns = [
    path("", home),
    path("admin/", admin.site.urls),
]
